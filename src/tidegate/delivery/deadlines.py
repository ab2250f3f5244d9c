"""Deadlines of many attempts on few timers.

A timer for each attempt costs the event loop 3 us, and few attempts reach their deadline. Attempts whose deadlines are
within the same tenth of a second share a timer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from typing import Final, Protocol

TICK: Final = 0.1
"""Seconds by which the call of ``time_is_up`` may be late. It is never early."""


class Timed(Hashable, Protocol):
    def time_is_up(self) -> None: ...


class AttemptDeadlines:
    """Calls ``time_is_up`` of what has reached its deadline."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._calls: dict[int, set[Timed]] = {}  # by the tick that ends their time
        self._timers: dict[int, asyncio.TimerHandle] = {}

    def add(self, call: Timed, within: float) -> int:
        """Call ``time_is_up`` after this many seconds, unless ``call`` is removed from the tick that is returned."""
        tick = int((self._loop.time() + within) / TICK) + 1
        calls = self._calls.get(tick)
        if calls is None:
            calls = self._calls[tick] = set()
            self._timers[tick] = self._loop.call_at(tick * TICK, self._pass, tick)
        calls.add(call)
        return tick

    def remove(self, call: Timed, tick: int) -> None:
        """Forget a call that has ended."""
        calls = self._calls.get(tick)
        if calls is None:
            return
        calls.discard(call)
        if not calls:
            del self._calls[tick]
            self._timers.pop(tick).cancel()

    def _pass(self, tick: int) -> None:
        del self._timers[tick]
        for call in self._calls.pop(tick):
            call.time_is_up()
