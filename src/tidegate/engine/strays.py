"""Tasks that the store shows as under way on this node and are not: a standby that took over lacks their records."""

from __future__ import annotations

import logging
from typing import Any

from tidegate.engine.life import Life
from tidegate.engine.nodes import Nodes
from tidegate.engine.ports.store import Mark, StoreError, Transaction
from tidegate.engine.ports.world import World
from tidegate.engine.under_way import MOST_ATTEMPTS, UnderWay

logger = logging.getLogger(__name__)

LOOK_EVERY = 2.0
"""Seconds between two looks whether it became uncertain what the store knows."""

ON_THEIR_WAY = 5.0
"""Seconds within which a claim that was committed has begun, and an attempt that has ended is recorded."""


class Strays:
    """Lets such tasks wait again, once it is sure that nothing of theirs is on its way."""

    def __init__(self, world: World, nodes: Nodes, life: Life, under_way: UnderWay) -> None:
        self._membership = world.membership
        self._store = world.store
        self._clock = world.clock
        self._machine = world.machine
        self._nodes = nodes
        self._life = life
        self._under_way = under_way
        self._seen = world.membership.switches

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self._machine.sleep(LOOK_EVERY)
            switches = self._membership.switches
            if switches == self._seen:
                continue
            try:
                await self._look()
                self._seen = switches
            except StoreError as error:
                logger.warning("cannot look for attempts whose records were lost: %s", error)

    async def _look(self) -> None:
        life, node = self._life.number, self._nodes.node

        def marked(tx: Transaction) -> list[Mark]:
            return tx.marked(node, MOST_ATTEMPTS)

        strays = self._without_known(await self._store.write(marked))
        for _ in range(2):  # what was claimed meanwhile is under way after the first, and recorded after the second
            if not strays:
                return
            await self._machine.sleep(ON_THEIR_WAY)
            strays = self._without_known(strays)
        if life != self._life.number:
            return  # the others have released them
        released = await self._store.write(lambda tx: tx.release_marked(strays, self._clock.now()))
        if released:
            logger.warning("%d attempts are due again that the store showed as under way here, and were not", released)

    def _without_known(self, marks: list[Mark]) -> list[Mark]:
        known: set[Any] = {attempt.task.key for attempt in self._under_way.all()}
        return [mark for mark in marks if mark.key not in known]
