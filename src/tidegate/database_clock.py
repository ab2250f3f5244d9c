"""The time of a database, as a process estimates it from the answers that it gets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from tidegate.core.bucket import CLOCK_SET_BACK
from tidegate.core.times import MICROSECOND, micros, moment
from tidegate.engine.ports.world import MachineClock

logger = logging.getLogger(__name__)

WINDOW = 5_000_000
"""Microseconds for which a sample counts, and as many more: later ones follow the database's clock where it runs
slower than ours, by a hundred millionths at most.
"""

SET_BACK = CLOCK_SET_BACK // MICROSECOND
"""Microseconds back after which the clock was set, and is followed at once."""


class _Ahead(NamedTuple):
    """How far the database's clock is ahead of ours at least: by the best samples of this window and the last one."""

    best: int
    last: int
    since: int


class DatabaseClock:
    """``ports.Clock`` that shows a database's time, never ahead of it: an answer was on its way for a while, and
    meanwhile the database's clock went on. Nodes with wrong clocks agree on it.

    It does not step back by less than a minute.
    """

    def __init__(self, machine: MachineClock) -> None:
        """Until the first sample it shows the machine's time."""
        self._machine = machine
        ours = self._ours()
        ahead = micros(machine.now()) - ours
        self._ahead = _Ahead(ahead, ahead, ours)
        self._is_sampled = False
        self._shown = 0

    def sampled(self, database: int) -> None:
        """An answer has just come in which the database showed this time, in microseconds. Call it from any thread."""
        ours = self._ours()
        ahead = database - ours
        best, last, since = self._ahead
        if not self._is_sampled:
            self._compare(ahead - self._ahead.best)
            self._is_sampled, self._shown = True, 0
            self._ahead = _Ahead(ahead, ahead, ours)
        elif ahead < max(best, last) - SET_BACK:
            self._ahead = _Ahead(ahead, ahead, ours)
        elif ours - since >= WINDOW:
            self._ahead = _Ahead(ahead, best, ours)
        elif ahead > best:
            self._ahead = _Ahead(ahead, last, since)

    def _compare(self, behind: int) -> None:
        """Say so when this machine's clock is far from the database's: by the first answer that came."""
        if abs(behind) > SET_BACK:
            logger.warning(
                "this machine's clock is %d s %s the database's; tasks go by the database, this log does not",
                abs(behind) // 1_000_000,
                "behind" if behind > 0 else "ahead of",
            )

    def now(self) -> datetime:
        return moment(self.micros())

    def micros(self) -> int:
        """The same in microseconds since 1970."""
        ahead = self._ahead
        now = self._ours() + max(ahead.best, ahead.last)
        if now < self._shown - SET_BACK or now > self._shown:
            self._shown = now
        return self._shown

    def call_at(self, moment: datetime, wake: Callable[[], None]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(max(0.0, (moment - self.now()).total_seconds()), wake)

    def _ours(self) -> int:
        return round(self._machine.elapsed() * 1_000_000)
