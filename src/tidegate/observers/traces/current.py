"""The recorded span that what happens now belongs to, for logs."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from weakref import ref

from tidegate.core.trace_context import TraceContext

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Current(NamedTuple):
    where: TraceContext
    within: ref[asyncio.Task[Any]] | None
    """The asyncio task that the span is around; None outside of any."""


_CURRENT: Final[ContextVar[_Current | None]] = ContextVar("tidegate_span", default=None)


def enter(where: TraceContext) -> None:
    """From here on this asyncio task is within a recorded span, until it ends."""
    task = _task()
    _CURRENT.set(_Current(where, None if task is None else ref(task)))


@contextmanager
def within(where: TraceContext) -> Iterator[None]:
    """The block is within a recorded span."""
    before = _CURRENT.get()
    enter(where)
    try:
        yield
    finally:
        _CURRENT.set(before)


def current() -> TraceContext | None:
    """The recorded span of what happens now; None when it is within none.

    A task takes over the context of whoever started it, and one that writes for a hundred calls was started by one of
    them: so a span is that of its own task only.
    """
    found = _CURRENT.get()
    if found is None or (found.within is not None and found.within() is not (_task() or found.within())):
        return None
    return found.where


def _task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # no loop runs here: in a thread, or before the start
        return None
