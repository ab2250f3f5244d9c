"""Spans of time as tests write them."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeAlias

from tidegate.core.spans import read_span

Span: TypeAlias = "str | float | timedelta"
"""``"1h30m"``, seconds, or a timedelta."""


def span_of(span: Span) -> timedelta:
    """The span as a timedelta. Raises ValueError for text that is none."""
    if isinstance(span, timedelta):
        return span
    if not isinstance(span, str):
        return timedelta(seconds=span)
    return read_span(span)
