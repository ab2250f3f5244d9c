"""When each queue may have something to do, and the claims that find out.

The scheduler keeps one moment a queue in memory, never the tasks: a claim asks the store what is due.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from msgspec import Struct

from tidegate.core.bucket import Flow
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue, RateLimits
from tidegate.core.task import Task
from tidegate.engine.bulk import Bulk
from tidegate.engine.ports import StoredQueue, StoreError, Transaction, World

logger = logging.getLogger(__name__)

CLAIM_BATCH = 512
"""Tasks of one claim at most. Measured: from 128 to 512 the dispatch rate is flat, below it falls."""

QUEUES_PER_CLAIM = 256
"""Queues looked at in one transaction at most."""

CLAIM_PAUSE = timedelta(milliseconds=5)
"""A queue held back by its rate is looked at again after this at the earliest: at 500/s two or three tasks at once
cost half of what as many claims of one would."""

PAUSE_AFTER_ERROR = 1.0
"""Seconds until the next claim when the store could not commit one: the disk may have room again."""

SPARE_MOMENTS = 1024
"""Overtaken moments that may lie about before they are cleared out."""

LONGEST_SLEEP = 1.0
"""Seconds. The wall clock may jump; the sleep is by the monotonic one, so look again now and then."""


class Claim(Struct, frozen=True):
    """What one queue gave in a claim. ``again`` is when to look next, None when something else will say so."""

    stored: StoredQueue
    tasks: list[Task]
    again: datetime | None
    full: bool = False  # as many attempts under way as the queue allows
    cramped: bool = False  # the next task is long, and there is no room for it in memory


def claim(
    tx: Transaction, names: Sequence[QueueName], now: datetime, room: int, bulk: Bulk, *, ramp_up: bool
) -> list[Claim]:
    """Take the tasks these queues may dispatch at ``now``, ``room`` in all and no more long ones than ``bulk`` has
    room for; the locked rows keep many nodes in step.
    """
    claims = []
    bulk = bulk.copy()
    for name in names:
        stored = tx.queue(name)
        if stored is None or not stored.queue.dispatches:
            continue
        flow = stored.flow.ramping(now, on=ramp_up)
        limits = flow.limits(stored.queue.rate_limits, now)
        wanted = min(room, CLAIM_BATCH)
        granted, flow = flow.grant(wanted, limits, now)
        tasks = tx.claim(stored, now, granted, bulk.room(name)) if granted else []
        if tasks:
            for task in tasks:
                if task.bulk:
                    bulk.hold(name, task.bulk)
            flow = flow.give_back(granted - len(tasks)).started(len(tasks), now)
            tx.save_flow(stored, flow)
            room -= len(tasks)
        else:
            flow = stored.flow
        claims.append(_claimed(tx, stored, tasks, granted, wanted, limits, flow, now))
    return claims


def _claimed(
    tx: Transaction,
    stored: StoredQueue,
    tasks: list[Task],
    granted: int,
    wanted: int,
    limits: RateLimits,
    flow: Flow,
    now: datetime,
) -> Claim:
    if len(tasks) < granted or (not tasks and wanted):
        due = tx.next_due(stored)
        if due is None or due > now:  # nothing waits, or not yet
            return Claim(stored, tasks, due)
        if granted:
            return Claim(stored, tasks, None, cramped=True)
    if flow.in_flight >= limits.max_concurrent_dispatches:
        return Claim(stored, tasks, None, full=True)
    if granted == wanted:  # there may be more at once
        return Claim(stored, tasks, now)
    ready = flow.bucket.filled(limits, now).ready_at(limits)
    return Claim(stored, tasks, max(ready, now + CLAIM_PAUSE))


class Scheduler:
    """Wakes queues at their moments and claims for them, one claim with the store at a time."""

    def __init__(
        self,
        world: World,
        room: Callable[[], int],
        bulk: Bulk,
        dispatch: Callable[[Queue, int, Task], None],
        *,
        ramp_up: bool,
    ) -> None:
        """``room`` says how many attempts may start now, ``bulk`` what long ones are under way;
        ``dispatch(queue, queue id, task)`` starts one.
        """
        self._store = world.store
        self._clock = world.clock
        self._room = room
        self._bulk = bulk
        self._dispatch = dispatch
        self._ramp_up = ramp_up
        self._moments: dict[QueueName, datetime] = {}
        self._heap: list[tuple[datetime, QueueName]] = []
        self._full: set[QueueName] = set()
        self._cramped: set[QueueName] = set()
        self._woken = asyncio.Event()
        self._stopping = False

    def wake(self, queue: QueueName, at: datetime) -> None:
        """Look at the queue at that moment, or before."""
        known = self._moments.get(queue)
        if known is not None and known <= at:
            return
        self._moments[queue] = at
        if len(self._heap) > 2 * len(self._moments) + SPARE_MOMENTS:  # mostly moments that others overtook
            self._heap = [(moment, name) for name, moment in self._moments.items()]
            heapq.heapify(self._heap)
        else:
            heapq.heappush(self._heap, (at, queue))
        if self._heap[0][0] == at:
            self._woken.set()

    def ended(self, queue: QueueName) -> None:
        """Attempts of the queue ended: it may have room again, and so may we."""
        if queue in self._full:
            self._full.discard(queue)
            self.wake(queue, self._clock.now())
        self._woken.set()

    def roomier(self) -> None:
        """Long attempts ended, of whichever queue: there is room in memory again."""
        cramped, self._cramped = self._cramped, set()
        for queue in cramped:
            self.wake(queue, self._clock.now())

    async def start(self) -> None:
        """Learn which queues have waiting tasks; one look-up a queue, however many tasks."""
        for queue, due in await self._store.read(lambda tx: tx.backlog()):
            self.wake(queue, due)

    def stop(self) -> None:
        self._stopping = True
        self._woken.set()

    async def run(self) -> None:
        """Claim and dispatch until stopped."""
        while not self._stopping:
            self._woken.clear()
            now = self._clock.now()
            room = self._room()
            names = self._due(now) if room > 0 else []
            if not names:
                await self._sleep(now, room)
                continue
            releases = self._bulk.releases
            try:
                work = partial(claim, names=names, now=now, room=room, bulk=self._bulk, ramp_up=self._ramp_up)
                claims = await self._store.write(work)
            except StoreError as error:
                logger.warning("cannot claim tasks: %s", error)
                for name in names:
                    self.wake(name, now)
                await self._clock.sleep(PAUSE_AFTER_ERROR)
                continue
            self._take(claims)
            if self._bulk.releases != releases:  # while the claim was under way
                self.roomier()

    def _take(self, claims: Sequence[Claim]) -> None:
        """Dispatch what was claimed, and note what each queue waits for."""
        for each in claims:
            name = each.stored.queue.name
            for task in each.tasks:
                self._dispatch(each.stored.queue, each.stored.id, task)
            if each.again is not None:
                self.wake(name, each.again)
            if each.full:
                self._full.add(name)
            if each.cramped:
                self._cramped.add(name)

    def _due(self, now: datetime) -> list[QueueName]:
        names: list[QueueName] = []
        while self._heap and self._heap[0][0] <= now and len(names) < QUEUES_PER_CLAIM:
            at, queue = heapq.heappop(self._heap)
            if self._moments.get(queue) == at:  # else an older, later moment of a queue that was woken before it
                del self._moments[queue]
                names.append(queue)
        return names

    async def _sleep(self, now: datetime, room: int) -> None:
        seconds = LONGEST_SLEEP
        if room > 0 and self._heap:
            seconds = min(seconds, max(0.0, (self._heap[0][0] - now).total_seconds()))
        timer = asyncio.get_running_loop().call_later(seconds, self._woken.set)
        await self._woken.wait()
        timer.cancel()
