"""An event loop whose time passes only while everybody waits: a day takes as long as what happens in it."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class NothingLeftError(AssertionError):
    """Everybody waits for something that nobody will do."""


class _Jumps(selectors.SelectSelector):
    """Instead of waiting for the next timer, moves the clock to it."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise NothingLeftError
        if timeout > 0:
            self.loop.now += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Threads and sockets are of no use here: nobody waits for them."""

    def __init__(self) -> None:
        self.now = 0.0
        jumps = _Jumps()
        jumps.loop = self
        super().__init__(jumps)

    def time(self) -> float:
        return self.now


class VirtualClock:
    """``ports.Clock`` and ``ports.MachineClock`` on the running loop's time. ``shift`` moves the wall clock alone and
    tells nobody, as when an operator sets the machine's.
    """

    def __init__(self, start: datetime = START) -> None:
        self._start = start

    def now(self) -> datetime:
        # Rounded to whole microseconds by hand: a float's last digit must not make a moment early.
        return self._start + timedelta(microseconds=round(self.monotonic() * 1_000_000))

    def elapsed(self) -> float:
        return self.monotonic()

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def call_at(self, moment: datetime, wake: Callable[[], None]) -> asyncio.TimerHandle:
        return self.call_later(max(0.0, (moment - self.now()).total_seconds()), wake)

    def call_later(self, seconds: float, wake: Callable[[], None]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, wake)

    def shift(self, by: timedelta) -> None:
        self._start += by


def run(main: Coroutine[Any, Any, T]) -> T:
    """What ``main`` returns, in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
