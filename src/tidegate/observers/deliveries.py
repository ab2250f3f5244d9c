"""How many events a second are sent to all watchers together, so that watching never takes much of the server."""

from __future__ import annotations

from typing import Final

from tidegate.engine.ports.world import MachineClock

PER_SECOND: Final = 50
"""Events a second, to many watchers. Each that is sent costs some 0.5 ms of a core: a fortieth of it is theirs."""
ALONE: Final = 1000
"""The same for one watcher alone, divided among few."""
AT_ONCE: Final = 1000
"""Events that may be sent at once after a while of rest, as those that a watcher asks to be replayed."""


class Deliveries:
    """A bucket of events that may be sent. Watchers that find it empty wait their turn, and fall behind meanwhile."""

    def __init__(self, machine: MachineClock) -> None:
        self._machine = machine
        self._left = float(AT_ONCE)
        self._filled_at = machine.monotonic()

    async def take(self, watchers: int) -> bool:
        """Wait until one of so many watchers may be sent one more. Whether there was a wait."""
        now, rate = self._machine.monotonic(), max(PER_SECOND, ALONE // max(1, watchers))
        self._left = min(AT_ONCE, self._left + (now - self._filled_at) * rate)
        self._filled_at = now
        self._left -= 1
        if self._left >= 0:
            return False
        await self._machine.sleep(-self._left / rate)
        return True
