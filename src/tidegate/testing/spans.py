"""Spans of time as tests write them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TypeAlias

Span: TypeAlias = "str | float | timedelta"
"""``"1h30m"``, seconds, or a timedelta."""

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[dhms])")
_UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}


def span_of(span: Span) -> timedelta:
    """The span as a timedelta. Raises ValueError for text that is none."""
    if isinstance(span, timedelta):
        return span
    if not isinstance(span, str):
        return timedelta(seconds=span)
    parts = _PART.findall(span)
    if not parts or "".join(number + unit for number, unit in parts) != span:
        raise ValueError(f"{span!r} is no span of time: write 90s, 10m, 1h30m or 2d")
    return sum((float(number) * _UNITS[unit] for number, unit in parts), timedelta())
