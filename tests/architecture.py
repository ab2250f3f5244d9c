"""What ``docs/architecture.md`` draws: the ways through the house, and its map of files, written by ``make docs``."""

from __future__ import annotations

import re
import textwrap
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/architecture.md"
HOUSE = ROOT / "src/tidegate"
FACES = ("operator_v1", "tasks", "tasks_v2", "tasks_v2beta2", "tasks_v2beta3")
"""Written from the rows of ``schema``, and all alike."""
WIDTH = 130
MAP = "## Every file\n"


def modules(house: Path) -> list[str]:
    """Every module of the package but the faces', as ``engine/ports/store``."""
    paths = (path.relative_to(house).with_suffix("") for path in house.rglob("*.py"))
    return sorted(path.as_posix() for path in paths if path.name != "__init__" and path.parts[0] not in FACES)


def file_map(house: Path) -> str:
    """Each folder with its modules, for the page."""
    folders: defaultdict[str, list[str]] = defaultdict(list)
    for module in modules(house):
        folder, _, name = module.rpartition("/")
        folders[folder].append(name)
    column = max(len(folder) for folder in folders) + 3
    lines = []
    for folder, names in sorted(folders.items()):
        first = f"{folder or '.':<{column}}"
        lines.append(textwrap.fill(", ".join(names), WIDTH, initial_indent=first, subsequent_indent=" " * column))
    return "```text\n" + "\n".join(lines) + "\n```\n"


def mapped(page: str) -> list[str]:
    """The modules that the map of a page names, as ``modules`` has them."""
    block = page.partition(MAP)[2].partition("```text\n")[2].partition("```")[0]
    found, folder = [], ""
    for line in block.splitlines():
        begun, _, rest = line.partition(" ")
        folder = begun or folder
        names = [name.strip() for name in rest.split(",") if name.strip()]
        found += [name if folder == "." else f"{folder}/{name}" for name in names]
    return found


def ways(page: str) -> dict[str, list[str]]:
    """The files that each way goes through, in its order, by the word that the way has in the page."""
    told = re.findall(r"^\*\*(.+?)\*\*,[^\n]*\n\n```text\n(.*?)```", page, re.MULTILINE | re.DOTALL)
    return {name: [line.split()[0] for line in block.splitlines()] for name, block in told}


def missing(page: str) -> set[str]:
    """What a page names of ``src/tidegate`` (``engine/claims``) that is not there, as a module or a package."""
    packages = "|".join(path.name for path in HOUSE.iterdir() if path.is_dir())
    named = re.findall(rf"(?<![\w/])((?:{packages})/[a-z_][\w/]*\w)", page)
    return {each for each in named if not (HOUSE / each).is_dir() and not (HOUSE / f"{each}.py").is_file()}


def write() -> None:
    before, heading, after = PAGE.read_text().partition(MAP)
    says, _, rest = after.partition("```text\n")
    PAGE.write_text(before + heading + says + file_map(HOUSE) + rest.partition("```\n")[2])


if __name__ == "__main__":
    write()
