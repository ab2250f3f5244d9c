"""Rows as a table that fits 120 columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.marks import Mark
from bench.rows import Row, number

HEAD = ("what", "figure", "floor", "ratio", "mark", "holds")
RIGHT = {1, 3}  # columns of numbers


def table(rows: Sequence[Row], marks: Mapping[str, Mark], head: Sequence[str] = HEAD) -> str:
    """A line for each row. Columns that stay empty are left out."""
    cells = [tuple(head), *(_cells(row, marks.get(row.what), head[2]) for row in rows)]
    columns = [
        _aligned(column, right=place in RIGHT)
        for place, column in enumerate(zip(*cells, strict=True))
        if any(column[1:])
    ]
    return "\n".join("  ".join(line).rstrip() for line in zip(*columns, strict=True))


def verdict(row: Row, mark: Mark | None) -> str:
    """Whether the mark holds; errors are told of every row."""
    if row.errors:
        return f"{row.errors} errors"
    return "" if mark is None else "yes" if mark.holds(row) else "NO"


def _cells(row: Row, mark: Mark | None, floor: str) -> tuple[str, ...]:
    floor_is = "" if row.floor_is == floor else f" {row.floor_is}"
    return (
        row.what,
        f"{number(row.figure)} {row.unit}",
        "" if row.floor is None else f"{number(row.floor)}{floor_is}",
        "" if row.ratio is None else f"{row.ratio:.3f}",
        "" if mark is None else f"{mark}{' of it' if mark.by_floor else ''}",
        verdict(row, mark),
    )


def _aligned(column: Sequence[str], *, right: bool) -> list[str]:
    width = max(map(len, column))
    return [cell.rjust(width) if right else cell.ljust(width) for cell in column]
