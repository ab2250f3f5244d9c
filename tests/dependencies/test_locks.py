"""Every dependency is locked, by version and hash, in a version that pyproject.toml allows."""

from __future__ import annotations

import pytest
from tests.dependencies.locks import BUILD, DEVELOPMENT, IMAGE, PROJECT, RUN, Locked, extras, missing, read, wanted

HASH = "a" * 64
ENTRY = f"one==1.0 \\\n    --hash=sha256:{HASH} \\\n    --hash=sha256:{'b' * 64}\n"


@pytest.mark.parametrize(("lock", "development"), [(RUN, False), (DEVELOPMENT, True)], ids=["run", "development"])
def test_the_lock_has_every_dependency_in_a_version_that_is_allowed(lock, development: bool) -> None:
    assert missing(wanted(development=development), read(lock.read_text())) == [], "run: make lock"


def test_the_image_has_what_every_extra_asks_for() -> None:
    assert missing(extras(), read(IMAGE.read_text())) == [], "run: make lock"
    assert {entry.name for entry in read(RUN.read_text())} < {entry.name for entry in read(IMAGE.read_text())}


def test_what_is_tested_is_what_is_run() -> None:
    developed = {(entry.name, entry.version, entry.marker) for entry in read(DEVELOPMENT.read_text())}
    for entry in [*read(IMAGE.read_text()), *read(BUILD.read_text())]:
        # What one platform alone needs to run, all may need to develop.
        assert (entry.name, entry.version) in {(name, version) for name, version, _ in developed}, "run: make lock"


@pytest.mark.parametrize("lock", [RUN, IMAGE, BUILD, DEVELOPMENT], ids=["run", "image", "build", "development"])
def test_a_lock_names_packages_and_no_place_to_get_them_from(lock) -> None:
    assert "://" not in lock.read_text()
    assert "--index" not in lock.read_text()


def test_each_run_time_dependency_ends_below_a_version_that_may_break_it() -> None:
    open_ended = [
        str(requirement)
        for requirement in [*wanted(development=False), *extras()]
        if not any(bound.operator in {"<", "==", "~="} for bound in requirement.specifier)
    ]
    assert open_ended == [], f"give each an upper bound in {PROJECT.name}"


def test_an_entry_is_read_with_its_marker_and_all_its_hashes() -> None:
    text = f"# written by hand\n{ENTRY}two==2.0 ; sys_platform == 'win32' \\\n    --hash=sha256:{HASH}\n"
    assert read(text) == [
        Locked("one", "1.0", "", (f"sha256:{HASH}", f"sha256:{'b' * 64}")),
        Locked("two", "2.0", "sys_platform == 'win32'", (f"sha256:{HASH}",)),
    ]


@pytest.mark.parametrize(
    "line",
    ["three==3.0", "three>=3.0", "--index-url somewhere", "three @ file:///three", f"three==3.0 --hash=md5:{HASH}"],
)
def test_what_is_not_pinned_and_hashed_is_no_entry(line: str) -> None:
    with pytest.raises(ValueError, match="not a pinned package"):
        read(f"{ENTRY}{line}\n{ENTRY}")


def test_a_version_outside_the_bounds_counts_as_missing() -> None:
    requirements = [each for each in wanted(development=False) if each.name == "ada-url"]
    assert missing(requirements, [Locked("ada-url", "5.0", "", ())]) == [str(requirements[0])]
    assert missing(requirements, [Locked("ada-url", "4.9", "", ())]) == []
