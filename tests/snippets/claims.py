"""Which tests run which snippets: a module of tests that runs some says so in its ``SNIPPETS``.

    SNIPPETS = {"docs/backup.md sh 1 2": "typed into a shell, with the places of the test"}

A key is a page and a language, ``*`` for any, then the numbers of the blocks among those of that language on the page,
from 1, when not all are meant. A value says how they are tried.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
OPENS = re.compile(r"^ *(?P<fence>`{3,}|~{3,}) *(?P<language>[^\s`]*)[^`]*$")


class Snippet(NamedTuple):
    """A fenced block: the ``number``-th of its language on its page, from 1."""

    page: str
    language: str
    number: int
    line: int
    text: str


class Claim(NamedTuple):
    """What a module of tests says that it runs, and how; of all numbers when it names none."""

    module: Path
    page: str
    language: str
    numbers: frozenset[int]
    how: str

    def covers(self, snippet: Snippet) -> bool:
        return (
            fnmatchcase(snippet.page, self.page)
            and fnmatchcase(snippet.language, self.language)
            and (not self.numbers or snippet.number in self.numbers)
        )


def pages(root: Path = ROOT) -> list[Path]:
    """Every page of the repository that people read."""
    return sorted([*root.glob("*.md"), *(path for part in ("docs", ".github") for path in (root / part).rglob("*.md"))])


def snippets(page: str, text: str) -> Iterator[Snippet]:
    """The fenced blocks of a page, in order."""
    counts: dict[str, int] = {}
    fence, language, begins, lines = "", "", 0, [""]
    for number, line in enumerate(text.splitlines(), 1):
        if fence and re.fullmatch(rf" *{fence[0]}{{{len(fence)},}} *", line):
            counts[language] = counts.get(language, 0) + 1
            yield Snippet(page, language, counts[language], begins, "\n".join([*lines, ""]))
            fence = ""
        elif fence:
            lines.append(line)
        elif opened := OPENS.match(line):
            fence, language, begins, lines = opened["fence"], opened["language"], number, []
    assert not fence, f"{page}:{begins} is never closed"


def claims(root: Path = ROOT / "tests") -> Iterator[Claim]:
    """What all modules of tests say."""
    for module in sorted(root.rglob("*.py")):
        text = module.read_text()
        if "\nSNIPPETS = {" not in text:
            continue
        for node in ast.parse(text).body:
            if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["SNIPPETS"]:
                for key, how in ast.literal_eval(node.value).items():
                    page, language, *numbers = key.split()
                    yield Claim(module, page, language, frozenset(map(int, numbers)), how)


def unclaimed(found: Iterable[Snippet], claimed: Iterable[Claim]) -> list[str]:
    """A line for each block that no test runs."""
    made = list(claimed)
    return [
        f"{each.page}:{each.line}: {each.language or 'no language'} {each.number}"
        for each in found
        if not any(claim.covers(each) for claim in made)
    ]


def snippet(page: str, language: str, number: int = 1) -> str:
    """One block of a page, by its number among those of its language."""
    found = [each.text for each in snippets(page, (ROOT / page).read_text()) if each.language == language]
    return found[number - 1]
