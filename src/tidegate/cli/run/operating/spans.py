"""Spans of time: as they are typed, as JSON has them, and as people read them."""

from __future__ import annotations

from datetime import datetime, timedelta

from tidegate.core.spans import read_span

MOST = timedelta(days=3660)
"""Ten years, which is as far as a clock moves."""


def json_span(text: str) -> str:
    """A span as JSON has it: ``5400s``. Raises ValueError."""
    span = read_span(text)
    if span > MOST:
        raise ValueError(f"{text!r} is more than ten years")
    return f"{span.total_seconds():.6f}".rstrip("0").rstrip(".") + "s"


def read_time(text: str) -> datetime:
    """A moment as JSON has it, with its zone."""
    return datetime.fromisoformat(text)


def milliseconds(span: str | None) -> str:
    """``41 ms`` of a span in JSON; empty without one."""
    return f"{float(span.removesuffix('s')) * 1000:.0f} ms" if span else ""


def said_span(span: timedelta) -> str:
    """``20 s``, ``3.5 min``, ``2 h``, ``4 d``."""
    seconds = span.total_seconds()
    for limit, unit, name in ((120, 1, "s"), (7200, 60, "min"), (172800, 3600, "h")):
        if abs(seconds) < limit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds / 86400:.3g} d"
