"""The page on the architecture draws the house as it stands."""

from pathlib import Path

from tests.architecture import HOUSE, MAP, PAGE, file_map, mapped, missing, modules, ways

SAID = PAGE.read_text()
SNIPPETS = {"docs/architecture.md text": "lists of parts and files: each that is named is there"}


def test_it_names_what_is_there() -> None:
    assert missing(SAID) == set()


def test_each_file_stands_once_in_its_map() -> None:
    assert sorted(mapped(SAID)) == sorted(modules(HOUSE)), "run: make docs"


def test_a_create_a_claim_an_outcome_and_a_lease_go_their_ways_through_each_file_once() -> None:
    drawn = ways(SAID)
    assert set(drawn) == {"A create", "A claim", "An outcome", "A lease"}
    for way in drawn.values():
        assert len(way) > 3
        assert len(way) == len(set(way))


def test_no_way_leads_outwards() -> None:
    for way in ways(SAID).values():
        parts = [each.partition("/")[0] for each in way]
        if "api" in parts:
            assert parts.index("api") == 0
            assert "api" not in parts[parts.index("engine") :]


def test_a_name_of_nothing_is_found() -> None:
    page = "`engine/claims` (or `engine/planted`), in `storage/sqlite`; see tests/storage/test_x.py and engine/ports"
    assert missing(page) == {"engine/planted"}


def test_a_file_that_the_map_lacks_or_has_twice_is_found(tmp_path: Path) -> None:
    for name in ("app", "core/__init__", "core/task", "core/access/roles", "tasks_v2/client"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"{name}.py").write_text("")
    drawn = f"{MAP}\nEach of them.\n\n{file_map(tmp_path)}"
    assert sorted(mapped(drawn)) == modules(tmp_path) == ["app", "core/access/roles", "core/task"]
    assert mapped(drawn.replace("task", "task, task")) == ["app", "core/task", "core/task", "core/access/roles"]
