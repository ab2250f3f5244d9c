"""Clears away, a little at a time, what no longer counts: purged tasks, spent tombstones, tasks past their time."""

from __future__ import annotations

import logging
from collections import defaultdict
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from msgspec import Struct

from tidegate.core.dead_letters import DeathReason
from tidegate.core.expiry import is_lost, is_overdue, is_young
from tidegate.core.names import QueueName
from tidegate.core.task import Task
from tidegate.engine.nodes import Nodes
from tidegate.engine.ports.events import TaskDied
from tidegate.engine.ports.store import StoredQueue, StoreError, Transaction
from tidegate.engine.ports.world import World
from tidegate.engine.shelving import SHELVED_AT_ONCE, USUAL, Shelving
from tidegate.engine.waiting import Waiter

logger = logging.getLogger(__name__)

ROWS_PER_STEP = 500
"""Rows of each kind cleared in one transaction: a few milliseconds, which is all that others wait."""

PAUSE_BETWEEN_STEPS = 0.02
"""Seconds between steps while there is work, so that clearing a million tasks leaves the store to others."""

PAUSE_WHEN_CLEAN = 10.0
"""Seconds until the next look when nothing was left."""

PAUSE_BETWEEN_WALKS = timedelta(hours=1)
"""How often the tasks are walked for those past their time to live, which is counted in weeks."""


NAME = "janitor"
"""By which nodes find out who of them clears away."""


class Walk(Struct, frozen=True):
    """How far the walk over the tasks in the order of their creation has come: those ``after`` a key are next, None
    stands for the oldest. It goes on ``at`` then, at once if that is None.
    """

    after: Any | None = None
    at: datetime | None = None


class Swept(Struct, frozen=True):
    """What a step leaves: where the walk stands, whether there is more to do at once, and the tasks given up."""

    walk: Walk
    more: bool
    died: list[TaskDied]


def sweep(tx: Transaction, walk: Walk, now: datetime, limit: int = ROWS_PER_STEP, shelving: Shelving = USUAL) -> Swept:
    """Clear away up to ``limit`` rows of each kind."""
    more = tx.clear(now, limit)
    lost = _Graves(tx, shelving, DeathReason.LEASES, now)
    more |= _bury_lost(tx, lost, now, limit)
    if walk.at is not None and now < walk.at:
        return Swept(walk, more, lost.died)
    overdue = _Graves(tx, shelving, DeathReason.TTL, now)
    walk = _bury_overdue(tx, overdue, walk.after, now, limit)
    return Swept(walk, more or walk.at is None, lost.died + overdue.died)


class Janitor:
    """Sweeps the store for as long as the engine runs."""

    def __init__(self, world: World, shelving: Shelving, nodes: Nodes | None = None) -> None:
        self._shelving = shelving
        self._events = world.events
        self._nodes = nodes
        self._store = world.store
        self._clock = world.clock
        self._machine = world.machine
        self._waiter = Waiter(world.clock, world.machine)
        self._walk = Walk()

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            # One node is enough; they would only wait for each other.
            if (self._nodes is None or self._nodes.is_first(NAME)) and await self._step():
                await self._machine.sleep(PAUSE_BETWEEN_STEPS)
                continue
            # What expires does so by the wall clock, which may be moved; purged tasks go even while it stands still.
            self._waiter.clear()
            await self._waiter.wait(self._clock.now() + timedelta(seconds=PAUSE_WHEN_CLEAN), PAUSE_WHEN_CLEAN)

    async def _step(self) -> bool:
        try:
            swept = await self._store.write(
                partial(sweep, walk=self._walk, now=self._clock.now(), shelving=self._shelving)
            )
        except StoreError as error:
            logger.warning("cannot clear away: %s", error)
            return False
        self._walk = swept.walk
        for death in swept.died:
            self._events.emit(death)
        return swept.more


class _Graves:
    """Tasks to give up, by their queues: one statement for each. ``died`` are those that were."""

    def __init__(self, tx: Transaction, shelving: Shelving, reason: DeathReason, now: datetime) -> None:
        self.died: list[TaskDied] = []
        self._tx = tx
        self._shelving = shelving
        self._reason = reason
        self._now = now
        self._room = SHELVED_AT_ONCE
        self._queues: dict[QueueName, StoredQueue] = {}
        self._tasks: defaultdict[QueueName, list[Task]] = defaultdict(list)

    @property
    def full(self) -> bool:
        """Whether so many bytes are to be moved that the rest waits for the next step."""
        return self._room <= 0

    def add(self, stored: StoredQueue, task_id: str) -> None:
        task = self._tx.task(stored, task_id, body=self._shelving.of(stored).shelves)
        if task is not None:
            self._queues[stored.queue.name] = stored
            self._tasks[stored.queue.name].append(task)
            self._room -= len(task.body)

    def fill(self) -> None:
        for name, stored in self._queues.items():
            self.died += self._shelving.bury(self._tx, stored, self._tasks[name], self._reason, self._now)


def _bury_lost(tx: Transaction, lost: _Graves, now: datetime, limit: int) -> bool:
    """Give up pull tasks whose last lease has run out, unless they may be leased more often by now."""
    found = tx.last_leases(now, limit)
    leasable = []
    for stored, task in found:
        if lost.full:
            break
        if is_lost(task, stored.queue, now):
            lost.add(stored, task.name.task)
        else:
            leasable.append(task)
    tx.allow_leases(leasable)
    lost.fill()
    return len(found) == limit or lost.full


def _bury_overdue(tx: Transaction, overdue: _Graves, after: Any | None, now: datetime, limit: int) -> Walk:
    """Go on with the walk over the tasks, oldest first, giving up those past their queue's ``task_ttl``."""
    ages = tx.ages(after, limit)
    reached_young = False
    for each in ages:
        if overdue.full:
            break
        if is_young(each.create_time, now):  # from here on all are, whatever their queues say
            reached_young = True
            break
        after = each.key
        # Without a queue: of a closed generation, which is cleared away as a whole.
        if each.queue is not None and is_overdue(each.create_time, each.queue.queue, now):
            overdue.add(each.queue, each.task_id)
    overdue.fill()
    if overdue.full or (not reached_young and len(ages) == limit):
        return Walk(after)
    return Walk(None, now + PAUSE_BETWEEN_WALKS)
