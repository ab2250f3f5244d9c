"""Queues with all that they hold, out of one server and into another.

What is read is no snapshot: each step sees the newest state. A task that is created, finished or deleted meanwhile may
be among the tasks or not; each of the others is there once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import IntEnum
from functools import partial
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from tidegate.core import refusals
from tidegate.core.bucket import Flow
from tidegate.core.dead_letters import DeadTask, error_group
from tidegate.core.errors import ApiError, FailedPrecondition, InvalidArgument
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue
from tidegate.core.queue_options import Keeping, keeping
from tidegate.core.size import is_too_large, size_bound
from tidegate.core.target import host_called
from tidegate.core.task import Task
from tidegate.core.validation import settle_target
from tidegate.engine.creation import Rules
from tidegate.engine.finishing import to_its_end
from tidegate.engine.lookup import found
from tidegate.engine.ports.events import QueueChanged, TasksCreated
from tidegate.engine.ports.shelf import ShelfTally
from tidegate.engine.ports.store import Reader, StoredQueue, Transaction
from tidegate.engine.ports.world import World
from tidegate.engine.scheduler import Scheduler

QUEUES_AT_ONCE: Final = 100
TASKS_AT_ONCE: Final = 200
BYTES_AT_ONCE: Final = 2**20
DEAD_AT_ONCE: Final = 20
"""What one step reads at most; of a larger task one."""

DEAD_ALIKE_MAX: Final = 100
"""Dead tasks of one ID that are looked at for one that died at the same moment."""

IMPORTED = "imported"


class OnConflict(IntEnum):
    """What to do with a record whose name is taken; the numbers are the API's."""

    SKIP = 1
    FAIL = 2
    REPLACE = 3


Record: TypeAlias = Queue | Task | DeadTask
"""A record to be imported, its fields checked. The target of a task is as it was sent, and so is the error group of a
dead one, which is made anew.
"""


class Imported(Struct, frozen=True):
    """What became of records, in their order: True for one that was taken in, False for one that was left out because
    its name is taken, or why it could not be taken.
    """

    outcomes: list[bool | ApiError]
    queues: list[Queue]
    tasks: list[tuple[Queue, Task]]


class State:
    """Reads and writes whole queues."""

    def __init__(
        self, world: World, scheduler: Scheduler, rules: Rules, otherwise: Keeping, app_engine: Mapping[str, str]
    ) -> None:
        """``otherwise`` is what queues keep without options of their own, ``app_engine`` the setting."""
        self._store = world.store
        self._clock = world.clock
        self._events = world.events
        self._scheduler = scheduler
        self._rules = rules
        self._otherwise = otherwise
        self._app_engine = app_engine

    async def queues(self, under: str, after: str) -> Sequence[StoredQueue]:
        """Some queues whose names begin with ``under`` and sort after ``after``; none when there are no more."""
        return await self._store.read(lambda reader: reader.queues_under(under, after, QUEUES_AT_ONCE))

    async def queue(self, name: QueueName) -> StoredQueue:
        """The queue. Raises NotFound."""
        return await self._store.read(lambda reader: found(reader.queue(name)))

    async def tasks(self, queue: StoredQueue, after: str) -> Sequence[Task]:
        """Some tasks of the queue with IDs after ``after``, whole; none when there are no more."""

        def look(reader: Reader) -> Sequence[Task]:
            stored = _same(reader, queue)
            if stored is None:
                return ()
            return reader.tasks(stored, after, TASKS_AT_ONCE, body=True, bytes_limit=BYTES_AT_ONCE)

        return await self._store.read(look)

    async def dead_tasks(self, queue: StoredQueue, after: int) -> Sequence[DeadTask]:
        """Some dead tasks of the queue with IDs after ``after``, whole; none when there are no more."""

        def look(reader: Reader) -> Sequence[DeadTask]:
            stored = _same(reader, queue)
            if stored is None:
                return ()
            ids = [each.id for each in reader.dead_tasks(stored, DEAD_AT_ONCE, after=after)]
            return reader.dead_tasks_by_id(stored, ids, whole=True) if ids else ()

        return await self._store.read(look)

    @to_its_end
    async def take_in(self, records: Sequence[Record], on_conflict: OnConflict) -> list[bool | ApiError]:
        """Import records, all in one transaction; each by itself fails or is taken in. Tells of each: True for one that
        was taken in, False for one that was left out, or why it failed.
        """
        now = self._clock.now()
        names = {record.name for record in records if isinstance(record, Queue)}
        work = partial(self._take_in, records=records, on_conflict=on_conflict, now=now)
        imported = await self._store.write(work, changes=names)
        for queue in imported.queues:
            self._events.emit(QueueChanged(queue.name, IMPORTED))
            self._scheduler.wake(queue.name, now)
        for queue, task in imported.tasks:
            self._events.emit(TasksCreated(queue, (task,), now))
            if queue.dispatches:
                self._scheduler.wake(queue.name, task.schedule_time)
        return imported.outcomes

    def _take_in(self, tx: Transaction, records: Sequence[Record], on_conflict: OnConflict, now: datetime) -> Imported:
        imported = Imported([], [], [])
        for record in records:
            outcome: bool | ApiError
            try:
                if isinstance(record, Queue):
                    outcome = _take_queue(tx, record, on_conflict, now)
                    if outcome:
                        imported.queues.append(record)
                elif isinstance(record, Task):
                    taken = self._take_task(tx, record, on_conflict, now)
                    outcome = taken is not None
                    if taken is not None:
                        imported.tasks.append(taken)
                else:
                    outcome = self._take_dead(tx, record, on_conflict)
            except ApiError as error:
                outcome = error
            imported.outcomes.append(outcome)
        return imported

    def _take_task(
        self, tx: Transaction, task: Task, on_conflict: OnConflict, now: datetime
    ) -> tuple[Queue, Task] | None:
        stored = found(tx.queue(task.name.parent))
        target = settle_target(task.target, stored.queue, https_tokens=self._rules.https_tokens)
        task = replace(task, target=target)
        if is_too_large(task, size_bound(target)):
            raise refusals.task_too_large()
        ids = [task.name.task]
        lives, gone = bool(tx.living(stored, ids)), bool(tx.entombed(stored, ids, now))
        if lives or gone:
            if on_conflict is OnConflict.SKIP:
                return None
            if on_conflict is OnConflict.FAIL:
                raise refusals.task_exists() if lives else refusals.task_existed_recently()
            tx.remove(stored, ids, now)
            tx.free_task_names(stored, ids)
        if tx.add_tasks(stored, [task]):  # another node took the ID first
            raise refusals.task_exists()
        if task.dispatch_count:
            tx.restore_counts(stored, [task])
        return stored.queue, task

    def _take_dead(self, tx: Transaction, dead: DeadTask, on_conflict: OnConflict) -> bool:
        stored = found(tx.queue(dead.task.name.parent))
        there = tx.dead_tasks_of(stored, dead.task.name.task, DEAD_ALIKE_MAX)
        alike = [each.id for each in there if each.death_time == dead.death_time]
        if alike:
            if on_conflict is OnConflict.SKIP:
                return False
            if on_conflict is OnConflict.FAIL:
                raise refusals.task_exists()
            tx.drop_dead(stored, alike)
        host = host_called(dead.task, stored.queue, self._app_engine)
        error = dead.attempts[-1].error if dead.attempts else ""
        dead = replace(dead, error_group=error_group(dead.task.last_attempt, error, host, dead.reason))
        kept = keeping(stored.queue.options, self._otherwise)
        if not kept.shelves or not tx.shelve(stored, [dead], ShelfTally(kept.dead_tasks, kept.dead_bytes)):
            raise FailedPrecondition(f"The shelf of {stored.queue.name} has no room for it.")
        return True


def _same(reader: Reader, queue: StoredQueue) -> StoredQueue | None:
    """The queue as it is now, None when it was deleted meanwhile."""
    stored = reader.queue(queue.queue.name)
    return None if stored is None or stored.id != queue.id else stored


def _take_queue(tx: Transaction, queue: Queue, on_conflict: OnConflict, now: datetime) -> bool:
    stored = tx.queue(queue.name)
    if stored is None:
        if on_conflict is not OnConflict.REPLACE and tx.queue_name_taken(queue.name, now):
            raise refusals.queue_existed_recently()
        tx.add_queue(queue, Flow.fresh(queue.rate_limits, now))
        return True
    if on_conflict is OnConflict.SKIP:
        return False
    if on_conflict is OnConflict.FAIL:
        raise refusals.queue_exists()
    if stored.queue.kind is not queue.kind:
        raise InvalidArgument("Queue.type cannot be changed.")
    tx.save_flows([(stored, stored.flow.filled(stored.queue.rate_limits, now))])
    tx.save_queue(stored, queue)
    return True
