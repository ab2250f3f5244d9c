"""When each queue may have something to do, and the claims that find out.

The scheduler keeps one moment a queue in memory, never the tasks: a claim asks the store what is due.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from itertools import islice

from tidegate.core.names import QueueName
from tidegate.core.queue import Queue
from tidegate.core.task import Task
from tidegate.engine.claims import HELD_PAUSE, Claim, Shares, claim
from tidegate.engine.held_by import HeldBy, HeldQueues, HoldCode
from tidegate.engine.life import Life
from tidegate.engine.moments import Moments
from tidegate.engine.nodes import Nodes
from tidegate.engine.politeness import PLACES_LOOK, Politeness
from tidegate.engine.ports.store import Reader, StoreError, StoreFullError
from tidegate.engine.ports.world import World
from tidegate.engine.under_way import UnderWay
from tidegate.engine.waiting import Waiter

logger = logging.getLogger(__name__)

CLAIM_BATCH = 512
"""Tasks of one claim at most, over all queues. Measured: from 128 to 512 the dispatch rate is flat, below it falls."""

LEAST_SHARE = 32
"""Tasks that a queue may claim at once, however many others are due."""

QUEUES_PER_CLAIM = 256
"""Queues looked at in one transaction at most."""

PAUSE_AFTER_ERROR = 1.0
"""Seconds until the next claim when the store could not commit one: the disk may have room again."""

LONGEST_WAIT = 1.0
"""Seconds of machine time. The machine's wall clock may be set, and nobody tells: look again now and then."""

NOT_TOO_OFTEN = frozenset({HoldCode.DUE_NOW, HoldCode.OTHER_NODE})
"""What a queue pauses for only because it would claim too often. These pauses are machine time: they end even while the
wall clock stands still."""


class Scheduler:
    """Wakes queues at their moments and claims for them, one claim with the store at a time."""

    def __init__(
        self,
        world: World,
        under_way: UnderWay,
        dispatch: Callable[[Queue, int, Sequence[Task]], None],
        *,
        ramp_up: bool,
        life: Life | None = None,
        nodes: Nodes | None = None,
    ) -> None:
        """``dispatch(queue, queue id, tasks)`` starts attempts, as far as what is ``under_way`` leaves room. With
        ``nodes`` others claim, too, while this one is in this ``life``.
        """
        self._store = world.store
        self._clock = world.clock
        self._machine = world.machine
        self._under_way = under_way
        self._connections = under_way.connections
        self._bodies = under_way.bodies
        self._dispatch = dispatch
        self._ramp_up = ramp_up
        self._life = life
        self._nodes = nodes
        self._dice = world.dice
        self.politeness = Politeness(world, lambda queue: self._wake(queue, self._clock.now()), ramp_up=ramp_up)
        self._moments = Moments()
        self._waiting: dict[QueueName, datetime] = {}  # due, until connections may be opened; since when, in this order
        self._paced: deque[tuple[float, QueueName]] = deque()  # due, and looked at again by then, by machine time
        self._claiming: Shares = {}  # the claim with the store
        self._held = HeldQueues()  # those that had, or may have had, more due tasks than they gave in their last claim
        self._all_held: HeldBy | None = None  # what holds all queues
        self._handed: Shares = {}  # to the creation with the store
        self._nothing_handed = asyncio.Event()
        self._nothing_handed.set()
        self._waiter = Waiter(world.clock, world.machine)
        self._stopping = False
        self._draining = False

    def wake(self, queue: QueueName, at: datetime) -> None:
        """Look at the queue at that moment, or before."""
        if self._nodes is None or self._nodes.is_first(queue):
            self._wake(queue, at)
        else:
            self.politeness.add(queue, at)

    def _wake(self, queue: QueueName, at: datetime) -> None:
        if self._moments.add(queue, at):
            self._waiter.wake()

    def ended(self, queue: QueueName) -> None:
        """Attempts of the queue ended: it may have room again, and so may we."""
        held_by = self._held.get(queue)
        if held_by is not None and held_by.code is HoldCode.CONCURRENCY_FULL:
            self._let_go(queue)
        self._waiter.wake()

    def roomier(self) -> None:
        """Long attempts ended, of whichever queue: there is room in memory again."""
        for queue in self._held.held_by_bodies():
            self._let_go(queue)

    def _let_go(self, queue: QueueName) -> None:
        """What held the queue holds it no more: its next claim finds out what is due."""
        now = self._clock.now()
        self._held.put(queue, HeldBy(HoldCode.DUE_NOW, now, now), now)
        self._wake(queue, now)  # not politely: which places are free, this node alone knows

    def view(self, queue: QueueName) -> HeldBy:
        """What holds the queue now, as far as this process knows. Of a queue that is not there: nothing is due.

        Of several causes the outermost: the process, then its connections, then the queue itself.
        """
        if self._all_held is not None:
            return self._all_held
        now = self._clock.now()
        moment, held_by, waiting_since = self._moments.get(queue), self._held.get(queue), self._waiting.get(queue)
        looked_at_soon = waiting_since is not None or queue in self._claiming
        if not looked_at_soon and (moment is None or moment > now):
            return held_by or HeldBy(HoldCode.NOTHING_DUE, until=moment)
        if self._free() <= 0:
            return HeldBy(HoldCode.SERVER_FULL)
        if waiting_since is not None:
            seconds = self._connections.wait(self._machine.monotonic())
            return HeldBy(HoldCode.OPENING_CONNECTIONS, waiting_since, now + timedelta(seconds=seconds))
        return HeldBy(HoldCode.DUE_NOW, until=now)

    def next_moment(self) -> datetime | None:
        """When the next queue is looked at, by the wall clock: its next task is due then, or its next token is there.
        None when none is to be looked at.
        """
        if self._paced:
            return self._clock.now()
        moments = [each for each in (self._moments.first(), self.politeness.next_moment()) if each is not None]
        return min(moments, default=None)

    def quiet(self) -> bool:
        """Whether nothing is due, waits for connections, or is on its way from the store."""
        if self._claiming or self._handed or self._waiting or self._paced:
            return False
        moment = self.next_moment()
        return moment is None or moment > self._clock.now()

    def forget(self) -> None:
        """The engine was reset: no queue is there, so nothing holds one."""
        self._held.clear()

    @contextmanager
    def at_once(self, queues: Collection[QueueName]) -> Iterator[Shares]:
        """How many new tasks of each of these queues may start as they are stored, without a claim: none where others
        may be due before them. Until the block ends, with those tasks dispatched, there are none for anybody else.
        """
        if self._handed or self.draining or not (shares := self._first_in_line(queues)):
            yield {}
            return
        self._handed = shares
        self._nothing_handed.clear()
        try:
            yield shares
        finally:
            self._handed = {}
            self._nothing_handed.set()

    def _first_in_line(self, queues: Collection[QueueName]) -> Shares:
        now = self._clock.now()
        names = [name for name in queues if not self._may_be_due(name, now)]
        room = min(self._free(), CLAIM_BATCH)
        if not names or room <= 0:
            return {}
        left = 0 if self._waiting else self._connections.left(self._machine.monotonic())
        return self._allot(names, left, max(1, left // len(names)), room, room)

    def _may_be_due(self, queue: QueueName, now: datetime) -> bool:
        """Whether the queue may have a task that is due."""
        if queue in self._held or queue in self._claiming or queue in self._waiting:
            return True
        moment = self._moments.get(queue)
        return moment is not None and moment <= now

    async def start(self) -> None:
        """Learn which queues have waiting tasks; one look-up a queue, however many tasks."""
        for queue, due in await self._store.read(_dispatching):
            self.wake(queue, due)

    @property
    def draining(self) -> bool:
        """Whether nothing is claimed any more, or for now."""
        return self._draining or self._stopping

    def drain(self) -> None:
        """Claim nothing until ``undrain``."""
        if not self.draining:
            self._draining = True
            self._all_held = HeldBy(HoldCode.DRAINING, self._clock.now())

    def undrain(self) -> None:
        if self._draining and not self._stopping:
            self._draining = False
            self._all_held = None
            self._waiter.wake()

    async def handed_back(self) -> None:
        """Wait until no creation may start tasks as it stores them. Call after ``stop``."""
        await self._nothing_handed.wait()

    def stop(self) -> None:
        self._stopping = True
        self._all_held = HeldBy(HoldCode.DRAINING, self._clock.now())
        self._waiter.wake()

    async def run(self) -> None:
        """Claim and dispatch until stopped. An error that is raised is no end: to run again is to go on."""
        while not self._stopping:
            self._waiter.clear()
            now = self._clock.now()
            room = 0 if self._draining else self._free()
            shares = self._shares(now, min(room, CLAIM_BATCH)) if room > 0 else {}
            if not shares:
                await self._wait(room)
                continue
            releases = self._bodies.releases
            self._claiming = shares
            try:
                work = partial(claim, shares=shares, now=now, bulk=self._bodies, ramp_up=self._ramp_up)
                claims = await self._store.write(work, holds=shares)
            except Exception as error:
                self._claiming = {}
                for name in shares:
                    self.wake(name, now)
                if not isinstance(error, StoreError):
                    raise
                logger.warning("cannot claim tasks: %s", error)
                self._fails(error, now)
                await self._machine.sleep(PAUSE_AFTER_ERROR)
                continue
            self._claiming = {}
            self._take(claims, shares, now)
            if self._bodies.releases != releases:  # while the claim was under way
                self.roomier()

    def _fails(self, error: StoreError, now: datetime) -> None:
        """The store could not commit a claim, so no queue can start anything."""
        if self.draining:
            return
        code = HoldCode.DISK_FULL if isinstance(error, StoreFullError) else HoldCode.STORE_FAILING
        before = self._all_held
        since = before.since if before is not None and before.code is code else now
        self._all_held = HeldBy(code, since, now + timedelta(seconds=PAUSE_AFTER_ERROR))

    def _take(self, claims: Sequence[Claim], names: Iterable[QueueName], now: datetime) -> None:
        """Dispatch what was claimed of the queues with these names, and note what each waits for."""
        if not self.draining:
            self._all_held = None
        gone = set(names)
        for each in claims:
            name = each.stored.queue.name
            try:
                self._dispatch(each.stored.queue, each.stored.id, each.tasks)
            except Exception:  # the tasks of the others are marked as dispatched, too, and must be sent
                logger.exception("cannot start attempts of %s before the next start", name, extra={"queue": name})
            self._look_again(name, each.held_by, now)
            self._held.put(name, each.held_by, now)
            gone.discard(name)
        for name in gone:
            self._held.drop(name)

    def _look_again(self, queue: QueueName, held_by: HeldBy, now: datetime) -> None:
        """Have the queue looked at when what holds it may be over."""
        if held_by.code is HoldCode.CONCURRENCY_FULL and self._nodes is not None:
            self.wake(queue, now + PLACES_LOOK)
        elif held_by.code is HoldCode.OTHER_NODE:
            self.wake(queue, now + HELD_PAUSE * (1 + self._dice()))
        if held_by.until is None:
            return
        # Only not to claim too often: time may stand still.
        if held_by.code is HoldCode.DUE_NOW and held_by.until > now:
            self._paced.append((self._machine.monotonic() + (held_by.until - now).total_seconds(), queue))
        else:
            self.wake(queue, held_by.until)

    def _free(self) -> int:
        """How many attempts may start now beside those that are about to."""
        if self._life is not None and not self._life.trusted:
            return 0
        return self._under_way.room() - sum(self._claiming.values()) - sum(self._handed.values())

    def _shares(self, now: datetime, room: int) -> Shares:
        """How many tasks each queue may claim: as many as it has connections, and its part of those to be opened."""
        due = self._due(now)
        for name in due:
            self._waiting.setdefault(name, now)
        left = self._connections.left(self._machine.monotonic())
        # Those whose turn it is, and those that stand connected.
        names = dict.fromkeys((*islice(self._waiting, left), *due))
        even = max(1, left // (len(self._waiting) or 1))
        shares = self._allot(names, left, even, max(LEAST_SHARE, room // (len(due) or 1)), room)
        for name in shares:
            del self._waiting[name]
        return shares

    def _allot(self, names: Iterable[QueueName], left: int, even: int, most: int, room: int) -> Shares:
        """Divide ``room``, ``most`` to a queue, among those that have a connection or may open one of ``left``, of
        which each gets ``even``.
        """
        shares: dict[QueueName, int] = {}
        shared: Counter[str] = Counter()  # of those that stand idle, by handlers
        for name in names:
            opened = min(even, left)
            handler = self._connections.handler(name)
            usable = max(self._connections.usable(name), self._connections.idle(handler) - shared[handler])
            share = min(usable + opened, most, room)
            if share:
                shares[name] = share
                left -= opened
                room -= share
                shared[handler] += share
                self._connections.claims(name)
        return shares

    def _due(self, now: datetime) -> list[QueueName]:
        while self._paced and self._paced[0][0] <= self._machine.monotonic():
            self.wake(self._paced.popleft()[1], now)
        return self._moments.take(now, QUEUES_PER_CLAIM)

    async def _wait(self, room: int) -> None:
        longest = LONGEST_WAIT
        if room > 0 and self._waiting:
            longest = min(longest, self._connections.wait(self._machine.monotonic()))
        if room > 0 and self._paced:
            longest = min(longest, max(0.0, self._paced[0][0] - self._machine.monotonic()))
        await self._waiter.wait(self._moments.first() if room > 0 else None, longest)


def _dispatching(tx: Reader) -> list[tuple[QueueName, datetime]]:
    """The queues that dispatch and in which tasks wait, each with its earliest schedule time."""
    return [(stored.queue.name, due) for stored, due in tx.backlog(whole=True) if stored.queue.dispatches]
