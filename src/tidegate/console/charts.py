"""Series as pictures: the paths of small SVGs, drawn by the server so that they need no script."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

SPARK_WIDTH: Final = 92.0
SPARK_HEIGHT: Final = 24.0
PLOT_WIDTH: Final = 600.0
PLOT_HEIGHT: Final = 112.0

_STEPS: Final = (1, 2, 5)


class Line(Struct, frozen=True):
    """A line and the area beneath it, as SVG paths."""

    path: str
    area: str


def line(values: Sequence[float], width: float, height: float, top: float) -> Line:
    """``values`` at equal distances over ``width``, from 0 at the bottom to ``top``."""
    if not values or top <= 0:
        flat = f"M0 {height - 2:.0f}L{width:.0f} {height - 2:.0f}"
        return Line(flat, "")
    step = width / max(len(values) - 1, 1)
    points = "L".join(f"{at * step:.1f} {_y(value, height, top):.1f}" for at, value in enumerate(values))
    if len(values) == 1:
        points = f"{points}L{width:.1f} {_y(values[0], height, top):.1f}"
    return Line(f"M{points}", f"M{points}L{width:.0f} {height:.0f}L0 {height:.0f}Z")


def spark(values: Sequence[float]) -> Line:
    """A line as small as a word, its highest value almost at the top."""
    return line(values, SPARK_WIDTH, SPARK_HEIGHT, max(values, default=0) * 1.15)


def bars(lower: Sequence[float], upper: Sequence[float], top: float) -> tuple[list[str], list[str]]:
    """Stacked bars over the width of a plot: the paths of the lower and of the upper parts; empty ones left out."""
    if not lower or top <= 0:
        return [], []
    step = PLOT_WIDTH / len(lower)
    wide = max(step * 0.8, 1)
    first, second = [], []
    for at, (low, high) in enumerate(zip(lower, upper, strict=True)):
        x = at * step + step * 0.1
        middle, above = _y(low, PLOT_HEIGHT, top), _y(low + high, PLOT_HEIGHT, top)
        if low:
            first.append(f"M{x:.1f} {middle:.1f}h{wide:.1f}V{PLOT_HEIGHT:.0f}h-{wide:.1f}Z")
        if high:
            second.append(f"M{x:.1f} {above:.1f}h{wide:.1f}V{middle:.1f}h-{wide:.1f}Z")
    return first, second


def round_up(value: float) -> float:
    """The next 1, 2 or 5 times a power of ten: where an axis ends."""
    if value <= 0 or not math.isfinite(value):
        return 1
    power = 10.0 ** math.floor(math.log10(value))
    return next((step * power for step in _STEPS if step * power >= value), 10 * power)


def short_number(value: float) -> str:
    """For an axis: ``350``, ``15k``, ``1.5M``."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def _y(value: float, height: float, top: float) -> float:
    return height - min(max(value, 0), top) / top * height
