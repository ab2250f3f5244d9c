"""Spans of time as people type them. Imports the standard library alone, for commands that must start at once."""

from __future__ import annotations

import re
from datetime import timedelta

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[dhms])")
_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def read_span(text: str) -> timedelta:
    """The span of ``90s``, ``250ms``, ``1h30m`` or ``2d``. Raises ValueError for text that is none."""
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is no span of time: write 90s, 10m, 1h30m or 2d")
    try:
        return timedelta(seconds=sum(float(number) * _SECONDS[unit] for number, unit in parts))
    except OverflowError:
        raise ValueError(f"{text!r} is longer than a span of time can be") from None
