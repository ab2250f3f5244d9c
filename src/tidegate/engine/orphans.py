"""Long-running operations whose node is no more: another one goes on with them."""

from __future__ import annotations

import logging

from tidegate.engine.long_running import load_all_unfinished
from tidegate.engine.nodes import Nodes
from tidegate.engine.operation_runner import TAKEN_OVER_MAX, OperationRunner, owner_of
from tidegate.engine.ports.store import Reader, StoreError
from tidegate.engine.ports.world import World

logger = logging.getLogger(__name__)

LOOK_EVERY = 5.0
"""Seconds between two looks."""

NAME = "operations"
"""By which nodes find out who of them looks."""


class Orphans:
    """Looks for operations without a node, and has them done by this one. Should two nodes look at once, the one that
    notes itself last does them: an operation is asked for its owner with each step.
    """

    def __init__(self, world: World, nodes: Nodes, operations: OperationRunner) -> None:
        self._store = world.store
        self._clock = world.clock
        self._machine = world.machine
        self._nodes = nodes
        self._operations = operations

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                if self._nodes.members and self._nodes.is_first(NAME):
                    await self._look({owner_of(node) for node in self._nodes.members | {self._nodes.node}})
            except StoreError as error:
                logger.warning("cannot look for operations without a node: %s", error)
            await self._machine.sleep(LOOK_EVERY)

    async def _look(self, owners: set[str]) -> None:
        now = self._clock.now()

        def are_there(reader: Reader) -> bool:
            return any(each.owner not in owners for each in load_all_unfinished(reader, TAKEN_OVER_MAX, now))

        if await self._store.read(are_there):
            taken = await self._store.write(lambda tx: self._operations.take_over(tx, now, owners))
            self._operations.start(taken)
