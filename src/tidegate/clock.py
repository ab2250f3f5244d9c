"""The machine's clocks."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial


def _clock_with_sleep() -> Callable[[], float]:
    """Linux counts a machine's sleep by a clock of its own, macOS by the monotonic one of POSIX."""
    if sys.platform == "win32":
        return time.monotonic
    return partial(time.clock_gettime, getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


_elapsed = _clock_with_sleep()


class SystemClock:
    """``ports.Clock`` and ``ports.MachineClock`` on the machine's clocks."""

    # Asked for ten times a task, so without a function of Python's in between.
    now: Callable[[], datetime] = staticmethod(partial(datetime.now, UTC))
    monotonic: Callable[[], float] = staticmethod(time.monotonic)

    def elapsed(self) -> float:
        return _elapsed()

    async def sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:  # noqa: ASYNC110 - uvloop rounds to milliseconds, down too
            await asyncio.sleep(left)

    def call_at(self, moment: datetime, wake: Callable[[], None]) -> asyncio.TimerHandle:
        # Nobody tells when the machine's wall clock is set. Whoever waits looks at it now and then.
        return self.call_later(max(0.0, (moment - self.now()).total_seconds()), wake)

    def call_later(self, seconds: float, wake: Callable[[], None]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, wake)
