"""Looks now and then at the queues that this node watches: others may have created what waits there, and have died."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from tidegate.core.names import QueueName
from tidegate.engine.nodes import Nodes
from tidegate.engine.ports.store import Reader, StoreError
from tidegate.engine.ports.world import World
from tidegate.engine.waiting import Waiter

logger = logging.getLogger(__name__)

LOOK_EVERY = 5.0
"""Seconds between two looks."""


class Lookout:
    """Finds the moments that other nodes know, and hands them to ``wake``."""

    def __init__(self, world: World, nodes: Nodes, wake: Callable[[QueueName, datetime], None]) -> None:
        self._store = world.store
        self._nodes = nodes
        self._wake = wake
        self._waiter = Waiter(world.clock, world.machine)
        nodes.at_change(self._waiter.wake)

    async def run(self) -> None:
        """Look until cancelled, at once when other nodes see to some queues."""
        while True:
            self._waiter.clear()
            try:
                for queue, due in await self._store.read(self._look):
                    self._wake(queue, due)
            except StoreError as error:
                logger.warning("cannot look at the queues: %s", error)
            await self._waiter.wait(None, LOOK_EVERY)

    def _look(self, reader: Reader) -> list[tuple[QueueName, datetime]]:
        return [
            (stored.queue.name, due) for stored, due in reader.backlog(self._nodes.watches) if stored.queue.dispatches
        ]
