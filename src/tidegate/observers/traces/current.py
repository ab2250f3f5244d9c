"""The recorded span that what happens now belongs to, for logs."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

from tidegate.core.trace_context import TraceContext

CURRENT: Final[ContextVar[TraceContext | None]] = ContextVar("tidegate_span", default=None)
