"""Texts of the source as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable

_PARTS = re.compile(r"(``.+?``|`[^`]+`)", re.DOTALL)


def prose(text: str) -> str:
    """A docstring as Markdown: code keeps its signs, elsewhere nothing is taken for markup."""
    return "".join(_code(part) if part.startswith("`") else _plain(part) for part in _PARTS.split(text))


def cell(text: str) -> str:
    """The same within a table."""
    return " ".join(prose(text).split()).replace("|", "\\|")


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """The lines of a table whose cells are Markdown already."""
    titles = list(head)
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return [f"| {' | '.join(titles)} |", "|" + "---|" * len(titles), *lines, ""] if lines else []


def _code(part: str) -> str:
    return f"`{part.strip('`')}`"


def _plain(part: str) -> str:
    return re.sub(r"([<>*\[\]{}])", r"\\\1", part)
