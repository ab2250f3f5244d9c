"""Waiting that goes by both clocks: a moment of wall time, which may be moved, or a span of machine time."""

from __future__ import annotations

import asyncio
from datetime import datetime

from tidegate.engine.ports.world import Clock, MachineClock


class Waiter:
    """One part of the engine that sleeps until there may be something to do."""

    def __init__(self, clock: Clock, machine: MachineClock) -> None:
        self._clock = clock
        self._machine = machine
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """End the wait, or the next one if nobody waits now."""
        self._woken.set()

    def clear(self) -> None:
        """What was told by ``wake`` so far is known."""
        self._woken.clear()

    async def wait(self, until: datetime | None, longest: float) -> None:
        """Wait until ``wake`` is called, the wall clock shows ``until``, or ``longest`` seconds of machine time are
        over. It may end early: ask again what there is to do.
        """
        timers = [self._machine.call_later(longest, self.wake)]
        if until is not None:
            timers.append(self._clock.call_at(until, self.wake))
        try:
            await self._woken.wait()
        finally:
            for timer in timers:
                timer.cancel()
