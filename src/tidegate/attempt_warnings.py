"""Why attempts brought no answer, for whoever reads the log: one line a minute for each queue, host and reason.

The API tells no more of such an attempt than ``HTTP status code 0``. A line never holds a body, a header, a token or
more of a URL than its host and port.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from msgspec import Struct

from tidegate.core.names import QueueName
from tidegate.core.target import host_called
from tidegate.core.task import Task
from tidegate.core.trace_context import read_kept
from tidegate.engine.ports.events import AttemptEnded
from tidegate.observers.listeners import ByClass

logger = logging.getLogger("tidegate.attempts")

EVERY: Final = 60.0
"""Seconds from one line to the next like it."""

NAMED_MAX: Final = 1000
"""Lines a minute at most: whoever creates tasks chooses their hosts, and may choose another for each."""


class _Kind(NamedTuple):
    """What failures have in common that share a line. ``host`` is empty when the task has no URL to call."""

    queue: QueueName
    host: str
    reason: str


class _Line(Struct):
    """When a kind was warned of last, and how many of it came since."""

    at: float
    more: int = 0


class AttemptWarnings(ByClass):
    """``ports.Events``: warns of attempts that ended without an answer.

    ``monotonic`` is the clock, in seconds; ``app_engine`` the setting, which says where App Engine tasks go.
    """

    def __init__(self, monotonic: Callable[[], float], app_engine: Mapping[str, str]) -> None:
        self._monotonic = monotonic
        self._app_engine = app_engine
        self._lines: dict[_Kind, _Line] = {}  # the oldest first
        self._left_out_at: float | None = None
        super().__init__({AttemptEnded: self._ended})

    def _ended(self, event: AttemptEnded) -> None:
        if not event.outcome.http_status:
            self._failed(event)

    def _failed(self, event: AttemptEnded) -> None:
        host = host_called(event.task, event.queue, self._app_engine)
        kind = _Kind(event.queue.name, host, event.outcome.reason)
        now = self._monotonic()
        last = self._lines.get(kind)
        if last is not None and now - last.at < EVERY:
            last.more += 1
            return
        if last is None and not self._has_room(now):
            self._leave_out(now)
            return
        self._lines.pop(kind, None)
        self._lines[kind] = _Line(now)
        where = f" to {host}" if host else ""
        before = f" (and {last.more} more since the last line like this)" if last is not None and last.more else ""
        about = {
            "queue": kind.queue,
            "task": event.task.name,
            "host": host,
            "reason": kind.reason,
            "trace_id": _trace_of(event.task),
        }
        logger.warning("an attempt%s of a task in %s failed: %s%s", where, kind.queue, kind.reason, before, extra=about)

    def _has_room(self, now: float) -> bool:
        """Whether another kind may be named, once those are forgotten whose minute is over if need be."""
        while len(self._lines) >= NAMED_MAX:
            oldest = next(iter(self._lines))
            if now - self._lines[oldest].at < EVERY:
                return False
            del self._lines[oldest]
        return True

    def _leave_out(self, now: float) -> None:
        if self._left_out_at is None or now - self._left_out_at >= EVERY:
            self._left_out_at = now
            logger.warning("attempts fail in more than %d ways a minute; further ones are not listed", NAMED_MAX)


def _trace_of(task: Task) -> str:
    """The ID of the trace that a task belongs to, if that is recorded."""
    creation = read_kept(task.trace)
    return f"{creation.trace_id:032x}" if creation is not None and creation.sampled else ""
