"""Clears away, a little at a time, what no longer counts: purged tasks, spent tombstones, tasks past their time."""

from __future__ import annotations

import logging
from datetime import datetime
from functools import partial

from tidegate.engine.ports.store import StoreError, Transaction
from tidegate.engine.ports.world import World

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

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            await self._clock.sleep(PAUSE_BETWEEN_STEPS if await self._step() else PAUSE_WHEN_CLEAN)

    async def _step(self) -> bool:
        try:
            return await self._store.write(partial(_sweep, now=self._clock.now()))
        except StoreError as error:
            logger.warning("cannot clear away: %s", error)
            return False


def _sweep(tx: Transaction, now: datetime) -> bool:
    return tx.sweep(now, ROWS_PER_STEP)
