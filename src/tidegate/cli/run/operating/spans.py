"""Spans of time: as they are typed, as JSON has them, and as people read them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[dhms])")
_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
MOST = 10 * 366 * 86400.0
"""Seconds: ten years, which is as far as a clock moves."""


def seconds_of(text: str) -> float:
    """The seconds of ``90s``, ``1h30m`` or ``2d``. Raises ValueError."""
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is no span of time: write 90s, 10m, 1h30m or 2d")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if seconds > MOST:
        raise ValueError(f"{text!r} is more than ten years")
    return seconds


def json_span(text: str) -> str:
    """A span as JSON has it: ``5400s``. Raises ValueError."""
    return f"{seconds_of(text):.9f}".rstrip("0").rstrip(".") + "s"


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
