"""Looks now and then at the queues that this node watches: others may have created what waits there, and have died."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial

from tidegate.core.names import QueueName
from tidegate.engine.nodes import Nodes
from tidegate.engine.ports.store import Reader, StoreError
from tidegate.engine.ports.world import World
from tidegate.engine.waiting import Waiter

logger = logging.getLogger(__name__)

LOOK_EVERY = 5.0
"""Seconds between two looks."""

WHOLE_EVERY = 60.0
"""Seconds between two looks at whole lines, in which tasks are found that were committed late."""


class Lookout:
    """Finds the moments that other nodes know, and hands them to ``wake``."""

    def __init__(self, world: World, nodes: Nodes, wake: Callable[[QueueName, datetime], None]) -> None:
        self._store = world.store
        self._nodes = nodes
        self._wake = wake
        self._machine = world.machine
        self._waiter = Waiter(world.clock, world.machine)
        nodes.at_change(self._waiter.wake)

    async def run(self) -> None:
        """Look until cancelled, at once when other nodes see to some queues."""
        whole_at = self._machine.monotonic() + WHOLE_EVERY
        while True:
            self._waiter.clear()
            whole = self._machine.monotonic() >= whole_at
            if whole:
                whole_at += WHOLE_EVERY
            try:
                for queue, due in await self._store.read(partial(self._look, whole=whole)):
                    self._wake(queue, due)
            except StoreError as error:
                logger.warning("cannot look at the queues: %s", error)
            await self._waiter.wait(None, LOOK_EVERY)

    def _look(self, reader: Reader, *, whole: bool) -> list[tuple[QueueName, datetime]]:
        found = reader.backlog(self._nodes.watches, whole=whole)
        return [(stored.queue.name, due) for stored, due in found if stored.queue.dispatches]
