"""Clears away, a little at a time, what no longer counts: purged tasks, spent tombstones, tasks past their time."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from functools import partial

from tidegate.engine.ports.store import StoreError, Transaction
from tidegate.engine.ports.world import World
from tidegate.engine.waiting import Waiter

logger = logging.getLogger(__name__)

ROWS_PER_STEP = 500
"""Rows of each kind cleared in one transaction: a few milliseconds, which is all that others wait."""

PAUSE_BETWEEN_STEPS = 0.02
"""Seconds between steps while there is work, so that clearing a million tasks leaves the store to others."""

PAUSE_WHEN_CLEAN = 10.0
"""Seconds until the next look when nothing was left."""


class Janitor:
    """Sweeps the store for as long as the engine runs."""

    def __init__(self, world: World) -> None:
        self._store = world.store
        self._clock = world.clock
        self._machine = world.machine
        self._waiter = Waiter(world.clock, world.machine)

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            if await self._step():
                await self._machine.sleep(PAUSE_BETWEEN_STEPS)
                continue
            # What expires does so by the wall clock, which may be moved; purged tasks go even while it stands still.
            self._waiter.clear()
            await self._waiter.wait(self._clock.now() + timedelta(seconds=PAUSE_WHEN_CLEAN), PAUSE_WHEN_CLEAN)

    async def _step(self) -> bool:
        try:
            return await self._store.write(partial(_sweep, now=self._clock.now()))
        except StoreError as error:
            logger.warning("cannot clear away: %s", error)
            return False


def _sweep(tx: Transaction, now: datetime) -> bool:
    return tx.sweep(now, ROWS_PER_STEP)
