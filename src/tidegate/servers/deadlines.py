"""Deadlines of calls: reading ``grpc-timeout``, and ending what takes longer.

Nearly every call of an official client carries a time-out and nearly none needs it. So calls share timers: all that end
within the same tick wait in one set, and one loop timer looks after the set. Measured with 128 calls at once under the
front: a timer per call (``asyncio.timeout``) costs about 3 us a call, this about 1 us.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from tidegate.core.errors import InvalidArgument

TICK: Final = 0.05
"""Seconds between two looks. A call ends up to this much later than its deadline, never earlier; the client
has given up by itself by then, so this frees what the call holds rather than being its answer."""

WATCHED_MAX: Final = 600.0
"""Seconds; a call that asks for more is not watched. The front cuts a stream that is silent for half of it, so
nothing lives that long, and far deadlines that nobody waits for any more must not pile up."""

_SECONDS_PER: Final = {
    b"H": 3600.0,
    b"M": 60.0,
    b"S": 1.0,
    b"m": 1e-3,
    b"u": 1e-6,
    b"n": 1e-9,
}

Waiting = set[asyncio.Task[Any]]


def parse_timeout(value: bytes) -> float:
    """Seconds of a ``grpc-timeout`` header such as ``20S`` or ``19999m``: at most eight digits and a unit."""
    digits, unit = value[:-1], _SECONDS_PER.get(value[-1:])
    if unit is None or len(digits) > 8 or not digits.isdigit():
        raise InvalidArgument(
            f"Malformed grpc-timeout {value.decode('latin-1')!r}: at most 8 digits and one of HMSmun."
        )
    return int(digits) * unit


class CallDeadlines:
    """Which tasks end when. Used from one event loop only."""

    def __init__(self) -> None:
        self._ticks: dict[int, Waiting] = {}

    def watch(self, task: asyncio.Task[Any], deadline: float) -> Waiting:
        """Cancel ``task`` at ``deadline`` (in seconds of its loop's clock), unless it leaves the answered set before.

        A task that is cancelled is out of the set: that is how its owner tells a deadline from any other cancellation.
        """
        tick = int(deadline / TICK) + 1
        waiting = self._ticks.get(tick)
        if waiting is None:
            waiting = self._open(tick, task.get_loop())
        waiting.add(task)
        return waiting

    def _open(self, tick: int, loop: asyncio.AbstractEventLoop) -> Waiting:
        waiting: Waiting = set()
        if tick * TICK < loop.time() + WATCHED_MAX:
            self._ticks[tick] = waiting
            loop.call_at(tick * TICK, self._expire, tick)
        return waiting

    def _expire(self, tick: int) -> None:
        waiting = self._ticks.pop(tick)
        while waiting:
            waiting.pop().cancel()
