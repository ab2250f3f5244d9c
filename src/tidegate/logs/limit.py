"""A limit for lines that repeat themselves: a fault that happens a thousand times a second leaves a log to read."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import monotonic
from typing import Final, NamedTuple, TextIO

from msgspec import Struct

EVERY: Final = 60.0
"""Seconds after which a line that was repeated too often may be written again."""

SAME_MAX: Final = 5
"""How often one and the same line is written within that time."""

ALIKE_MAX: Final = 100
"""How many lines are written within that time that say the same of different things."""

KNOWN_MAX: Final = 2048
"""Lines that are remembered. When that many differ within a minute, they are as good as alike."""

LIMITS_ITSELF: Final = frozenset({"tidegate.attempts"})
"""Loggers whose lines are bounded where they are made: one a minute for each queue, host and reason."""


class _Line(NamedTuple):
    logger: str
    level: int
    text: str


class _Seen(Struct):
    since: float
    most: int
    record: logging.LogRecord
    count: int = 0
    left_out: int = 0


class LimitedHandler(logging.StreamHandler[TextIO]):
    """Writes lines to a stream. Of those that repeat themselves it leaves some out, and says how many once the minute
    is over: with the next line that is written, whichever that is.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = monotonic) -> None:
        super().__init__(stream)
        self._clock = clock
        self._seen: dict[_Line, _Seen] = {}  # the oldest first

    def emit(self, record: logging.LogRecord) -> None:
        """Runs under the handler's lock."""
        now = self._clock()
        self._forget(now)
        if record.name in LIMITS_ITSELF or self._may_write(record, now):
            super().emit(record)

    def close(self) -> None:
        """Say what was left out until now."""
        self.acquire()
        try:
            self._forget(float("inf"))
        finally:
            self.release()
        super().close()

    def _may_write(self, record: logging.LogRecord, now: float) -> bool:
        alike = _Line(record.name, record.levelno, str(record.msg))
        same = _Line(record.name, record.levelno, record.getMessage())
        if self._count(alike, record, ALIKE_MAX if record.args else SAME_MAX, now):
            return not record.args or self._count(same, record, SAME_MAX, now)
        return False

    def _count(self, line: _Line, record: logging.LogRecord, most: int, now: float) -> bool:
        """Count a line, and say whether it may be written."""
        seen = self._seen.get(line)
        if seen is None:
            if len(self._seen) >= KNOWN_MAX:
                return True  # its like is counted, which is enough
            seen = self._seen[line] = _Seen(now, most, _without_exception(record))
        seen.count += 1
        if seen.count <= seen.most:
            return True
        seen.left_out += 1
        return False

    def _forget(self, now: float) -> None:
        """Forget lines whose minute is over, and say of each how often it was left out."""
        while self._seen:
            line = next(iter(self._seen))
            seen = self._seen[line]
            if now - seen.since < EVERY:
                return
            del self._seen[line]
            if seen.left_out:
                record = seen.record
                record.msg = f"{line.text} (left out {seen.left_out} lines like this)"
                record.args = ()
                super().emit(record)


def _without_exception(record: logging.LogRecord) -> logging.LogRecord:
    """A copy to keep: a traceback holds on to everything that its frames held."""
    copy = logging.makeLogRecord(record.__dict__)
    copy.exc_info = copy.exc_text = None
    copy.args = ()
    return copy
