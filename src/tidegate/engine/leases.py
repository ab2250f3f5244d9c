"""Leases: tasks of pull queues taken by workers for a while, given back, or acknowledged."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from tidegate.core import refusals
from tidegate.core.dead_letters import DeathReason
from tidegate.core.errors import ApiError
from tidegate.core.lease import (
    LEASE_BYTES_MAX,
    Choice,
    Held,
    Lease,
    LeaseFilter,
    check_holder,
    choose,
    leases_left,
    tag_of,
)
from tidegate.core.names import QueueName, TaskName
from tidegate.core.queue import Kind, State
from tidegate.core.task import Task
from tidegate.engine.batching import Batcher
from tidegate.engine.lookup import found
from tidegate.engine.ports.events import TaskDied, TasksAcknowledged, TasksLeased
from tidegate.engine.ports.store import StoredQueue, Transaction
from tidegate.engine.ports.world import World
from tidegate.engine.shelving import USUAL, Shelving, first_of

CLEARED_AT_ONCE = 1000
CLEARINGS = 20
"""How many tasks that were leased too often one lease clears away, in a tenth of a second; the next one goes on."""


class Acknowledgement(Struct, frozen=True):
    """A task that its worker is done with."""

    task: TaskName
    held: Held


def acknowledge(tx: Transaction, acknowledgements: Sequence[Acknowledgement], now: datetime) -> list[ApiError | None]:
    """Remove the tasks whose workers still hold them. Returns for each, in their order, why it could not be done."""
    by_queue: defaultdict[QueueName, list[int]] = defaultdict(list)
    for place, each in enumerate(acknowledgements):
        by_queue[each.task.parent].append(place)
    refused: list[ApiError | None] = [None] * len(acknowledgements)
    for queue, places in by_queue.items():
        stored = tx.queue(queue)
        task_ids = [acknowledgements[place].task.task for place in places]
        leases = {} if stored is None else tx.leases(stored, task_ids)
        done = []
        for place, task_id in zip(places, task_ids, strict=True):
            try:
                check_holder(_known(leases.get(task_id)), acknowledgements[place].held, now)
            except ApiError as error:
                refused[place] = error
            else:
                del leases[task_id]  # for it is gone, should it be acknowledged twice
                done.append(task_id)
        if stored is not None and done:
            tx.remove(stored, done, now + stored.queue.tombstone_ttl)
    return refused


class Leased(Struct, frozen=True):
    """The tasks that a worker gets, and those that were given up before them."""

    tasks: list[Task]
    died: list[TaskDied]


def lease(
    tx: Transaction,
    stored: StoredQueue,
    wanted: LeaseFilter,
    limit: int,
    now: datetime,
    until: datetime,
    shelving: Shelving = USUAL,
) -> Leased:
    """Lease the first due tasks of a queue ``until`` then, giving up those that may not be leased again."""
    died: list[TaskDied] = []
    tag = wanted.tag
    if wanted.oldest:
        oldest = _choose(tx, stored, None, 1, now, shelving, died)
        if not oldest:
            return Leased([], died)
        tag = tag_of(oldest[0])
    leased = [task.leased(until) for task in _choose(tx, stored, tag, limit, now, shelving, died)]
    if leased:
        tx.mark_leased(leased, until, [task for task in leased if leases_left(task, stored.queue) <= 0])
    return Leased(tx.with_bodies(leased), died)


def _choose(
    tx: Transaction,
    stored: StoredQueue,
    tag: str | None,
    limit: int,
    now: datetime,
    shelving: Shelving,
    died: list[TaskDied],
) -> list[Task]:
    """The first tasks that may be leased; those before them that may not are given up and noted in ``died``."""

    def look(at_most: int) -> tuple[Choice, Sequence[Task]]:
        due = tx.leasable(stored, tag, now, at_most)
        choice = choose(due.tasks, due.sizes, stored.queue, limit, LEASE_BYTES_MAX)
        sizes = {id(task): size for task, size in zip(due.tasks, due.sizes, strict=True)} if choice.spent else {}
        return choice, first_of(choice.spent, [sizes[id(task)] for task in choice.spent])

    choice, giving_up = look(limit)
    for _ in range(CLEARINGS):
        if not giving_up:
            break
        died += shelving.bury(tx, stored, tx.with_bodies(list(giving_up)), DeathReason.LEASES, now)
        choice, giving_up = look(max(limit, CLEARED_AT_ONCE))
    return choice.chosen


class Leases:
    """What the lease calls of v2beta2 do, with values checked and names parsed."""

    def __init__(self, world: World, shelving: Shelving) -> None:
        self._store = world.store
        self._clock = world.clock
        self._events = world.events
        self._shelving = shelving
        self._acknowledgements: Batcher[Acknowledgement, ApiError | None] = Batcher(self._acknowledge)

    async def lease(self, queue: QueueName, wanted: LeaseFilter, limit: int, duration: timedelta) -> Sequence[Task]:
        """Up to ``limit`` tasks that are due, oldest first, which nobody else gets before ``duration`` has passed.

        Raises NotFound without the queue, InvalidArgument for a push queue, FailedPrecondition while it is paused.
        """

        def work(tx: Transaction) -> Leased:
            now = self._clock.now()
            stored = found(tx.queue(queue))
            if stored.queue.kind is not Kind.PULL:
                raise refusals.queue_not_pull()
            if stored.queue.state is not State.RUNNING:
                raise refusals.queue_not_running()
            return lease(tx, stored, wanted, limit, now, now + duration, self._shelving)

        leased = await self._store.write(work)
        for death in leased.died:
            self._events.emit(death)
        if leased.tasks:
            self._events.emit(TasksLeased(queue, len(leased.tasks)))
        return leased.tasks

    async def acknowledge(self, name: TaskName, held: Held) -> None:
        """Remove a task that the caller holds. Raises NotFound; FailedPrecondition when the lease is lost."""
        refused = await self._acknowledgements.result(Acknowledgement(name, held))
        if refused is not None:
            raise refused

    async def renew(self, name: TaskName, held: Held, duration: timedelta) -> Task:
        """The task, held for ``duration`` from now. Raises as ``acknowledge``."""
        return await self._reschedule(name, held, lambda now: now + duration)

    async def cancel(self, name: TaskName, held: Held) -> Task:
        """The task, free for the next worker at once. Raises as ``acknowledge``."""
        return await self._reschedule(name, held, lambda now: now)

    async def _reschedule(self, name: TaskName, held: Held, until: Callable[[datetime], datetime]) -> Task:
        def work(tx: Transaction) -> Task:
            now = self._clock.now()
            stored: StoredQueue = found(tx.queue(name.parent), otherwise=refusals.not_found)
            check_holder(_known(tx.leases(stored, [name.task]).get(name.task)), held, now)
            task = tx.task(stored, name.task, body=True)
            assert task is not None  # noqa: S101 - it was there a moment ago, in this transaction
            tx.reschedule(task, until(now))
            return replace(task, schedule_time=until(now))

        return await self._store.write(work)

    async def _acknowledge(self, acknowledgements: Sequence[Acknowledgement]) -> Sequence[ApiError | None]:
        now = self._clock.now()
        refused = await self._store.write(lambda tx: acknowledge(tx, acknowledgements, now))
        done = Counter(
            each.task.parent for each, why_not in zip(acknowledgements, refused, strict=True) if why_not is None
        )
        for queue, count in done.items():
            self._events.emit(TasksAcknowledged(queue, count))
        return refused


def _known(there: Lease | None) -> Lease:
    if there is None:
        raise refusals.not_found()
    return there
