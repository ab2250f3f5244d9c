"""Queues that another node sees to first: this one looks a little later, without holding them, and claims only what is
left.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from tidegate.core.names import QueueName
from tidegate.engine.claims import Claim, look
from tidegate.engine.held_by import HoldCode
from tidegate.engine.moments import Moments
from tidegate.engine.ports.store import Reader, StoreError
from tidegate.engine.ports.world import World
from tidegate.engine.waiting import Waiter

logger = logging.getLogger(__name__)

AFTER_OTHERS = timedelta(milliseconds=50)
"""How much later than the node that sees to a queue first the others look at it."""

QUEUES_PER_LOOK = 256
"""Queues looked at in one transaction at most."""

PLACES_LOOK = timedelta(milliseconds=250)
"""A queue with as many attempts under way as it allows is looked at again after this: nobody tells when those of other
nodes have ended."""

LONGEST_WAIT = 1.0
"""Seconds of machine time after which the wall clock is asked again."""

PAUSE_AFTER_ERROR = timedelta(seconds=1)
"""How long a look waits that the store could not answer."""


class Politeness:
    """Looks at queues after others did, and hands those that need this node to ``claim``."""

    def __init__(self, world: World, claim: Callable[[QueueName], None], *, ramp_up: bool) -> None:
        self._store = world.store
        self._clock = world.clock
        self._claim = claim
        self._ramp_up = ramp_up
        self._moments = Moments()
        self._waiter = Waiter(world.clock, world.machine)

    def add(self, queue: QueueName, at: datetime) -> None:
        """The queue has something to do at that moment: look whether it is still there a little later."""
        if self._moments.add(queue, at + AFTER_OTHERS):
            self._waiter.wake()

    def next_moment(self) -> datetime | None:
        """When the first of these queues has something to do, for whichever node; None without any."""
        first = self._moments.first()
        return None if first is None else first - AFTER_OTHERS

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self._waiter.clear()
            now = self._clock.now()
            names = self._moments.take(now, QUEUES_PER_LOOK)
            if names:
                await self._look(names, now)
            else:
                await self._waiter.wait(self._moments.first(), LONGEST_WAIT)

    async def _look(self, names: Sequence[QueueName], now: datetime) -> None:
        try:
            looks = await self._store.read(partial(_looks, names, now, ramp_up=self._ramp_up))
        except StoreError as error:
            logger.warning("cannot look what other nodes left: %s", error)
            for name in names:
                self.add(name, now + PAUSE_AFTER_ERROR)
            return
        for each in looks:
            name, held_by = each.stored.queue.name, each.held_by
            if held_by.code is HoldCode.DUE_NOW:
                self._claim(name)
            elif held_by.code is HoldCode.CONCURRENCY_FULL:
                self.add(name, now + PLACES_LOOK)
            elif held_by.until is not None:
                self.add(name, held_by.until)


def _looks(names: Sequence[QueueName], now: datetime, reader: Reader, *, ramp_up: bool) -> list[Claim]:
    return look(reader, names, now, ramp_up=ramp_up)
