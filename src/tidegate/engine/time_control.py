"""Moving the engine's time, for tests: forward, to the next due moment, to a standstill and on from there.

Only wall time moves. Deadlines of attempts, tokens and admission go by machine time: an attempt under way is not cut.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from tidegate.core.clock_setting import REAL_TIME, ClockSetting
from tidegate.core.errors import FailedPrecondition, InvalidArgument
from tidegate.core.times import later
from tidegate.engine.movable_clock import MovableClock
from tidegate.engine.ports.store import Store
from tidegate.engine.ports.world import MachineClock

KIND, NAME = "clock", "setting"
"""The document that keeps the clock's setting: a restart must not take the tasks of a moved clock back in time."""

LONGEST_SETTLING = 1.0
"""Seconds of machine time that a move to the next due moment waits for claims and records, which may bring a sooner
one. Handlers that do not answer must not hold it for longer."""

SHORTEST_LOOK = 0.001
LONGEST_LOOK = 0.01
"""Seconds of machine time between two looks at whether the engine is quiet."""

_decoder = msgspec.msgpack.Decoder(ClockSetting)
_encode = msgspec.msgpack.encode


class ClockFace(Struct, frozen=True):
    """What the clock shows, at which real time, and whether it stands still."""

    now: datetime
    real_time: datetime
    frozen: bool


async def kept_setting(store: Store, now: datetime) -> ClockSetting:
    """The clock's setting as the store has it; real time where it has none."""
    kept = await store.read(lambda reader: reader.document(KIND, NAME, now))
    return REAL_TIME if kept is None else _decoder.decode(kept)


class TimeControl:
    """Moves a clock. Every move is in the store before the clock shows it."""

    def __init__(
        self,
        store: Store,
        clock: MovableClock,
        machine: MachineClock,
        next_moment: Callable[[], datetime | None],
        quiet: Callable[[], bool],
    ) -> None:
        """``next_moment`` and ``quiet`` are the engine's."""
        self._store = store
        self._clock = clock
        self._machine = machine
        self._next_moment = next_moment
        self._quiet = quiet
        self._moving = asyncio.Lock()

    def face(self) -> ClockFace:
        """The clock as it is now."""
        real, setting = self._clock.real.now(), self._clock.setting
        return ClockFace(setting.shown(real), real, setting.frozen_at is not None)

    async def advance(self, by: timedelta) -> ClockFace:
        """Let so much time pass at once. Raises InvalidArgument for less than none, and for too much."""
        if by < timedelta():
            raise InvalidArgument(f"The clock moves forward only, but the duration is {by.total_seconds():g}s.")
        async with self._moving:
            real = self._clock.real.now()
            return await self._set(self._clock.setting.moved(later(self._clock.setting.shown(real), by), real))

    async def advance_to(self, moment: datetime) -> ClockFace:
        """Let time pass until that moment. Raises InvalidArgument for one that is past, and for one too far."""
        async with self._moving:
            return await self._set(self._clock.setting.moved(moment, self._clock.real.now()))

    async def advance_to_next_due(self) -> ClockFace:
        """Let time pass until the next task of a queue that dispatches is due, or its next token is there.

        Raises FailedPrecondition when no such queue has a task that waits, InvalidArgument when it is due too late.
        """
        async with self._moving:
            await self.settled(self._machine.monotonic() + LONGEST_SETTLING)
            moment = self._next_moment()
            if moment is None:
                raise FailedPrecondition(
                    "There is no next due moment: no queue that dispatches has a task that waits for an attempt."
                )
            return await self._set(self._to(moment))

    async def freeze(self) -> ClockFace:
        """Let time stand still until it is moved or set going again."""
        async with self._moving:
            return await self._set(self._clock.setting.frozen(self._clock.real.now()))

    async def unfreeze(self) -> ClockFace:
        """Let time go on from where it stands."""
        async with self._moving:
            return await self._set(self._clock.setting.going(self._clock.real.now()))

    def forget(self) -> None:
        """The store was reset, the setting with it: show real time."""
        self._clock.set(REAL_TIME)

    async def settled(self, until: float) -> bool:
        """Wait until the engine is quiet; False when it is not ``until`` then, by machine time."""
        pause = SHORTEST_LOOK
        while not self._quiet():
            left = until - self._machine.monotonic()
            if left <= 0:
                return False
            await self._machine.sleep(min(pause, left))
            pause = min(2 * pause, LONGEST_LOOK)
        return True

    async def skip_to(self, moment: datetime) -> timedelta:
        """Let time pass until the moment, and tell how much; none while the engine has something to do.

        Raises InvalidArgument for a moment too far.
        """
        async with self._moving:
            before = self._clock.setting
            setting = self._to(moment)
            await self._keep(setting)
            if not self._quiet():
                return timedelta()
            real = self._clock.real.now()
            self._clock.set(setting)
            return setting.shown(real) - before.shown(real)

    def _to(self, moment: datetime) -> ClockSetting:
        """The clock once it shows the moment, or as it is if that is past."""
        real, setting = self._clock.real.now(), self._clock.setting
        return setting.moved(moment, real) if moment > setting.shown(real) else setting

    async def _set(self, setting: ClockSetting) -> ClockFace:
        await self._keep(setting)
        self._clock.set(setting)
        return self.face()

    async def _keep(self, setting: ClockSetting) -> None:
        kept = _encode(setting)
        await self._store.write(lambda tx: tx.put_document(KIND, NAME, kept))
