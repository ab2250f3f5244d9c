"""What a benchmark found: a figure, and beside it the floor that was measured by turns with it."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Row:
    """One figure. ``what`` opens with the benchmark's name and says under which conditions; marks go by it."""

    what: str
    figure: float
    unit: str
    floor: float | None = None
    floor_is: str = ""
    ratio: float | None = None
    """Figure by floor, the median over the rounds."""
    errors: int = 0
    """Calls that went wrong. A figure with errors holds no mark."""
    details: Mapping[str, float | str] = field(default_factory=dict)
    """What else is known, for the JSON."""


def beside(
    what: str,
    unit: str,
    figures: Sequence[float],
    floors: Sequence[float],
    floor_is: str,
    *,
    errors: int = 0,
    details: Mapping[str, float | str] = {},
) -> Row:
    """The medians of both, and the median of the rounds' own ratios: the turns of one round had the same machine."""
    return Row(
        what,
        statistics.median(figures),
        unit,
        statistics.median(floors),
        floor_is,
        statistics.median(figure / floor for figure, floor in zip(figures, floors, strict=True)),
        errors,
        details,
    )


def by_turns(rounds: int, sides: Mapping[str, Callable[[], T]]) -> dict[str, list[T]]:
    """What each side measured, round by round. Every other round goes backwards, so that none is always first."""
    measured: dict[str, list[T]] = {name: [] for name in sides}
    for number in range(rounds):
        for name in list(sides)[:: -1 if number % 2 else 1]:
            measured[name].append(sides[name]())
    return measured


def number(value: float) -> str:
    """Three digits, or as many as stand before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
