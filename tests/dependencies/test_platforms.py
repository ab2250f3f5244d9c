"""docs/platforms.md has every run-time dependency, and each of them a wheel wherever Tidegate is expected to run."""

from __future__ import annotations

import pytest
from tests.dependencies.locks import RUN, Locked, read
from tests.dependencies.page import PAGE, page, pure, table, wrapped
from tests.dependencies.wheels import PLATFORMS, coverage, is_pure

WITHOUT_WHEELS = {
    # Its last versions have none for Intel Macs; there pip is told to take an older one, as README says.
    "cryptography": {"macOS x86-64"},
}
X86, ARM, MUSL, MUSL_ARM, MAC, INTEL_MAC, WINDOWS = PLATFORMS


def test_the_page_has_the_packages_of_the_lock() -> None:
    text = PAGE.read_text()
    assert {(entry.name, entry.version) for entry in read(RUN.read_text())} == {*table(text), *pure(text)}, (
        "run: make lock"
    )


def test_every_package_has_wheels_for_every_platform_and_python_but_those_known_not_to() -> None:
    without = {
        name: {platform for platform, cell in cells.items() if cell not in {"all", "not needed"}}
        for (name, _), cells in table(PAGE.read_text()).items()
    }
    assert {name: platforms for name, platforms in without.items() if platforms} == WITHOUT_WHEELS


@pytest.mark.parametrize(
    ("files", "platform", "says"),
    [
        (["a-1-py3-none-any.whl"], WINDOWS, "all"),
        (["a-1-cp311-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"], X86, "all"),
        (["a-1-cp311-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"], ARM, "none"),
        (["a-1-cp311-abi3-manylinux_2_17_x86_64.whl"], MUSL, "none"),
        (["a-1-cp311-abi3-manylinux_2_31_x86_64.whl"], X86, "none"),
        (["a-1-cp312-abi3-musllinux_1_2_aarch64.whl"], MUSL_ARM, "3.12, 3.13, 3.14"),
        (["a-1-cp313-cp313-macosx_11_0_arm64.whl", "a-1-cp314-cp314t-macosx_11_0_arm64.whl"], MAC, "3.13"),
        (["a-1-cp39-abi3-macosx_10_9_universal2.whl"], INTEL_MAC, "all"),
        (["a-1-cp39-abi3-macosx_15_0_arm64.whl"], MAC, "none"),
        (["a-1-py3-none-win32.whl"], WINDOWS, "none"),
        ([], X86, "none"),
    ],
)
def test_a_wheel_covers_what_pip_would_install_it_on(files: list[str], platform, says: str) -> None:
    assert coverage(files, "", platform) == says


def test_a_package_is_asked_for_only_where_its_marker_holds() -> None:
    wheels = ["a-1-cp311-abi3-win_amd64.whl"]
    assert coverage(wheels, "sys_platform == 'win32'", WINDOWS) == "all"
    assert coverage(wheels, "sys_platform == 'win32'", X86) == "not needed"
    assert coverage([], "python_full_version < '3.12'", X86) == "none"
    assert coverage(["a-1-cp311-cp311-win_amd64.whl"], "python_full_version < '3.12'", WINDOWS) == "all"


def test_what_is_written_is_read_again() -> None:
    locked = [Locked("a", "1.0", "", ()), Locked("b-c", "2", "", ()), Locked("d", "3.1", "sys_platform == 'win32'", ())]
    files = {
        ("a", "1.0"): ["a-1.0-py3-none-any.whl"],
        ("b-c", "2"): ["b_c-2-cp311-abi3-win_amd64.whl"],
        ("d", "3.1"): ["d-3.1-py2.py3-none-any.whl"],
    }
    text = page(locked, files)
    assert pure(text) == {("a", "1.0"), ("d", "3.1")}
    assert table(text) == {
        ("b-c", "2"): {platform.name: "all" if platform is WINDOWS else "none" for platform in PLATFORMS}
    }
    assert [is_pure(wheels) for wheels in files.values()] == [True, False, True]


def test_lines_are_filled_and_no_word_is_split() -> None:
    assert wrapped(["abc", "def", "ghi"], width=50) == "abc,\ndef, ghi"
