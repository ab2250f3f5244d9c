"""When each queue may have something to do, and the claims that find out.

The scheduler keeps one moment a queue in memory, never the tasks: a claim asks the store what is due.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import count, islice

from msgspec import Struct

from tidegate.core.bucket import Flow
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue, RateLimits
from tidegate.core.task import Task
from tidegate.engine.bulk import Bulk
from tidegate.engine.opening import Opening
from tidegate.engine.ports import StoredQueue, StoreError, Transaction, World

logger = logging.getLogger(__name__)

CLAIM_BATCH = 512
"""Tasks of one claim at most, over all queues. Measured: from 128 to 512 the dispatch rate is flat, below it falls."""

LARGE_SHARE = 128
"""Tasks from which on a queue may claim again at once; with fewer it pauses, so that claims do not get small."""

LEAST_SHARE = 32
"""Tasks that a queue may claim at once, however many others are due."""

QUEUES_PER_CLAIM = 256
"""Queues looked at in one transaction at most."""

SHARE_PAUSE = timedelta(milliseconds=5)
"""A queue that could have given more than a small share is looked at again after this."""

RATE_PAUSE = 0.01
"""Seconds until a queue held back by its rate is looked at again, if its bucket is not half full before: at 500/s five
tasks at once cost half of what as many claims of one would."""

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


class _Grant(Struct):
    """What a queue may start in a claim: ``granted`` of its ``share``, and the ``flow`` if it does; then the ``tasks``
    that it starts.
    """

    stored: StoredQueue
    share: int
    granted: int
    limits: RateLimits
    flow: Flow
    tasks: list[Task]


def claim(tx: Transaction, shares: Mapping[QueueName, int], now: datetime, bulk: Bulk, *, ramp_up: bool) -> list[Claim]:
    """Take the tasks these queues may dispatch at ``now``, of each its share at most and no more long ones than
    ``bulk`` has room for; the locked rows keep many nodes in step.
    """
    grants: list[_Grant] = []
    for name, share in shares.items():
        stored = tx.queue(name)
        if stored is None or not stored.queue.dispatches:
            continue
        flow = stored.flow.ramping(now, on=ramp_up)
        limits = flow.limits(stored.queue.rate_limits, now)
        granted, flow = flow.grant(share, limits, now)
        grants.append(_Grant(stored, share, granted, limits, flow, []))
    # For all queues together, however few tasks each of them gives: a statement of its own costs more than a task.
    asked = [each for each in grants if each.granted]
    bulk = bulk.copy()
    for each, tasks in zip(asked, tx.due_tasks([(each.stored, each.granted) for each in asked], now), strict=True):
        each.tasks = tasks
        if any(task.bulk for task in tasks):
            each.tasks = tx.fitting(tasks, bulk.room(each.stored.queue.name))
            for task in each.tasks:
                if task.bulk:
                    bulk.hold(each.stored.queue.name, task.bulk)
        started = len(each.tasks)
        each.flow = each.flow.give_back(each.granted - started).started(started, now) if started else each.stored.flow
    tx.mark_dispatched([task for each in asked for task in each.tasks], now)
    tx.save_flows([(each.stored, each.flow) for each in asked if each.tasks])
    return [_claimed(tx, each, now) for each in grants]


def _claimed(tx: Transaction, grant: _Grant, now: datetime) -> Claim:
    stored, tasks, granted, limits, flow = grant.stored, grant.tasks, grant.granted, grant.limits, grant.flow
    if len(tasks) < granted or not tasks:
        due = tx.next_due(stored)
        if due is None or due > now:  # nothing waits, or not yet
            return Claim(stored, tasks, due)
        if granted:
            return Claim(stored, tasks, None, cramped=True)
    if flow.in_flight >= limits.max_concurrent_dispatches:
        return Claim(stored, tasks, None, full=True)
    if granted == grant.share:  # there may be more at once
        return Claim(stored, tasks, now if granted >= LARGE_SHARE else now + SHARE_PAUSE)
    ready = flow.bucket.filled(limits, now).ready_at(limits)
    half_full = limits.max_burst_size / limits.max_dispatches_per_second / 2
    return Claim(stored, tasks, max(ready, now + timedelta(seconds=min(RATE_PAUSE, half_full))))


class Scheduler:
    """Wakes queues at their moments and claims for them, one claim with the store at a time."""

    def __init__(
        self,
        world: World,
        room: Callable[[], int],
        opening: Opening,
        bulk: Bulk,
        dispatch: Callable[[Queue, int, Sequence[Task]], None],
        *,
        ramp_up: bool,
    ) -> None:
        """``room`` says how many attempts may start now, ``opening`` over what connections, ``bulk`` what long ones
        are under way; ``dispatch(queue, queue id, tasks)`` starts some.
        """
        self._store = world.store
        self._clock = world.clock
        self._room = room
        self._opening = opening
        self._bulk = bulk
        self._dispatch = dispatch
        self._ramp_up = ramp_up
        self._moments: dict[QueueName, datetime] = {}
        self._heap: list[tuple[datetime, int, QueueName]] = []  # the number keeps those of one moment in their order
        self._numbers = count()
        self._waiting: dict[QueueName, None] = {}  # due, until connections may be opened; the longest first
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
            self._heap = [(moment, next(self._numbers), name) for name, moment in self._moments.items()]
            heapq.heapify(self._heap)
        else:
            heapq.heappush(self._heap, (at, next(self._numbers), queue))
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
            shares = self._shares(now, min(room, CLAIM_BATCH)) if room > 0 else {}
            if not shares:
                await self._sleep(now, room)
                continue
            releases = self._bulk.releases
            try:
                work = partial(claim, shares=shares, now=now, bulk=self._bulk, ramp_up=self._ramp_up)
                claims = await self._store.write(work)
            except StoreError as error:
                logger.warning("cannot claim tasks: %s", error)
                for name in shares:
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
            self._dispatch(each.stored.queue, each.stored.id, each.tasks)
            if each.again is not None:
                self.wake(name, each.again)
            if each.full:
                self._full.add(name)
            if each.cramped:
                self._cramped.add(name)

    def _shares(self, now: datetime, room: int) -> dict[QueueName, int]:
        """How many tasks each queue may claim: as many as it has connections, and its part of those to be opened."""
        due = self._due(now)
        self._waiting.update(dict.fromkeys(due))
        left = self._opening.left(self._clock.monotonic())
        even = max(1, left // (len(self._waiting) or 1))
        most = max(LEAST_SHARE, room // (len(due) or 1))
        shares: dict[QueueName, int] = {}
        shared: Counter[str] = Counter()  # of those that stand idle, by handlers
        for name in (*islice(self._waiting, left), *due):  # those whose turn it is, and those that stand connected
            if name in shares:
                continue
            opened = min(even, left)
            handler = self._opening.handler(name)
            usable = max(self._opening.usable(name), self._opening.idle(handler) - shared[handler])
            share = min(usable + opened, most, room)
            if share:
                shares[name] = share
                left -= opened
                room -= share
                shared[handler] += share
        for name in shares:
            del self._waiting[name]
            self._opening.claims(name)
        return shares

    def _due(self, now: datetime) -> list[QueueName]:
        names: list[QueueName] = []
        while self._heap and self._heap[0][0] <= now and len(names) < QUEUES_PER_CLAIM:
            at, _, queue = heapq.heappop(self._heap)
            if self._moments.get(queue) == at:  # else an older, later moment of a queue that was woken before it
                del self._moments[queue]
                names.append(queue)
        return names

    async def _sleep(self, now: datetime, room: int) -> None:
        seconds = LONGEST_SLEEP
        if room > 0 and self._heap:
            seconds = min(seconds, max(0.0, (self._heap[0][0] - now).total_seconds()))
        if room > 0 and self._waiting:
            seconds = min(seconds, self._opening.wait(self._clock.monotonic()))
        timer = asyncio.get_running_loop().call_later(seconds, self._woken.set)
        await self._woken.wait()
        timer.cancel()
