"""Many tasks of a queue at once: deleted, run or given another schedule time, as long-running operations.

Tasks are looked at in the order of their IDs. Those that were created after the operation began are left alone.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from tidegate.core import refusals
from tidegate.core.dead_letters import DeathReason
from tidegate.core.errors import ApiError, FailedPrecondition
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue
from tidegate.core.task import PullMessage, Task
from tidegate.engine.dispatcher import Dispatcher
from tidegate.engine.long_running import Changed, Failure, Found, LongRunning, Worker
from tidegate.engine.lookup import found
from tidegate.engine.ports.events import Event, Events, QueueChanged, TasksDeleted
from tidegate.engine.ports.store import Reader, StoredQueue, Transaction
from tidegate.engine.scheduler import Scheduler
from tidegate.engine.shelving import Shelving
from tidegate.engine.under_way import UnderWay

WHOLE_AT_ONCE: Final = 32
"""Tasks that are run or shelved in one step: their bodies, up to a megabyte each, are read for it."""

WHOLE_BYTES: Final = 4 * 2**20
"""Bytes of bodies that one look for such tasks reads, if it reads more than one task."""


class Selection(Struct, frozen=True):
    """Which tasks of a queue an operation is about: those with these IDs, or all that ``chooses`` chooses. ``at`` is
    the new schedule time, for operations that set one; ``shelve`` says that deleted tasks go on the shelf.
    """

    task_ids: Sequence[str] = ()
    chooses: Callable[[Task], bool] | None = None
    at: datetime | None = None
    shelve: bool = False


Select = Callable[[bytes], Selection]
"""Reads the request of an operation."""


class _Bulk(Worker):
    """What the bulk operations have in common."""

    def __init__(self, select: Select) -> None:
        self._select = select

    def with_bodies(self, selection: Selection) -> bool:  # noqa: ARG002 - for those below
        """Whether the tasks are read whole."""
        return False

    def room(self, operation: LongRunning) -> int:
        return (
            WHOLE_AT_ONCE if self.with_bodies(self._select(operation.request)) else 1000
        )  # as many as a step may have

    def total(self, reader: Reader, operation: LongRunning) -> int | None:
        stored = found(reader.queue(operation.queue))
        selection = self._select(operation.request)
        return len(selection.task_ids) if selection.chooses is None else reader.tallies([stored])[0].tasks

    def changes(self, operation: LongRunning) -> Collection[QueueName]:  # noqa: ARG002 - the protocol's
        return ()

    def look(self, reader: Reader, operation: LongRunning, position: str, limit: int) -> Found:
        stored = found(reader.queue(operation.queue))
        selection = self._select(operation.request)
        if selection.chooses is None:
            begin = int(position or 0)
            some = selection.task_ids[begin : begin + limit]
            end = begin + len(some)
            return Found(some, len(some), str(end), end == len(selection.task_ids))
        whole = self.with_bodies(selection)
        tasks = reader.tasks(stored, position, limit, body=whole, bytes_limit=WHOLE_BYTES if whole else None)
        if not tasks:
            return Found((), 0, position, end=True)
        chosen = [task.name.task for task in tasks if self._is_chosen(task, selection, operation)]
        at_end = len(tasks) < limit and not whole  # else their bytes may have been too many
        return Found(chosen, len(tasks), tasks[-1].name.task, at_end)

    def change(self, tx: Transaction, operation: LongRunning, entries: Sequence[str], now: datetime) -> Changed:
        stored = found(tx.queue(operation.queue))
        selection = self._select(operation.request)
        whole = self.with_bodies(selection)
        tasks: list[Task] = []
        failures: list[Failure] = []
        for task_id in entries:
            task = tx.task(stored, task_id, body=whole)
            try:
                if task is None:
                    if selection.chooses is None:
                        raise refusals.not_found()
                elif selection.chooses is None or self._is_chosen(task, selection, operation):  # else it changed since
                    self.check(task, now)
                    tasks.append(task)
            except ApiError as error:
                failures.append(Failure.of(operation.queue.task(task_id), error))
        return Changed(len(tasks), failures, self.change_tasks(tx, stored, tasks, selection, now) if tasks else None)

    def _is_chosen(self, task: Task, selection: Selection, operation: LongRunning) -> bool:
        if task.create_time > operation.start_time or not self.may_choose(task):
            return False
        return selection.chooses is None or selection.chooses(task)

    def may_choose(self, task: Task) -> bool:  # noqa: ARG002 - for those below
        """Whether the operation is for such a task when nobody named it."""
        return True

    def check(self, task: Task, now: datetime) -> None:
        """Raise an ApiError for a task that cannot be changed."""

    @abstractmethod
    def change_tasks(
        self, tx: Transaction, stored: StoredQueue, tasks: Sequence[Task], selection: Selection, now: datetime
    ) -> Any:
        """Change these tasks; what it returns is for ``committed``."""


class BulkDelete(_Bulk):
    """Deletes tasks, as DeleteTask does, or puts them on the shelf."""

    def __init__(self, select: Select, events: Events, shelving: Shelving) -> None:
        super().__init__(select)
        self._events = events
        self._shelving = shelving

    def with_bodies(self, selection: Selection) -> bool:
        return selection.shelve

    def change_tasks(
        self,
        tx: Transaction,
        stored: StoredQueue,
        tasks: Sequence[Task],
        selection: Selection,
        now: datetime,
    ) -> Sequence[Event]:
        if selection.shelve:
            return self._shelving.bury(tx, stored, tasks, DeathReason.DELETED_BY_OPERATOR, now)
        gone = tx.remove(stored, [task.name.task for task in tasks], now + stored.queue.tombstone_ttl)
        tx.end_attempts(stored, sorted(gone), None)
        return [TasksDeleted(stored.queue, sorted(gone), now)]

    def committed(self, operation: LongRunning, changed: Changed) -> None:  # noqa: ARG002 - the protocol's
        for event in changed.told or ():
            self._events.emit(event)


class Forced(Struct, frozen=True):
    """Tasks whose attempts are to be started."""

    queue: Queue
    queue_id: int
    tasks: Sequence[Task]


class BulkRun(_Bulk):
    """Starts an attempt of each task, as RunTask does; by a filter only of those of which none is under way."""

    def __init__(self, select: Select, under_way: UnderWay, dispatcher: Dispatcher) -> None:
        super().__init__(select)
        self._under_way = under_way
        self._dispatcher = dispatcher

    def with_bodies(self, selection: Selection) -> bool:  # noqa: ARG002 - the class's
        return True

    def room(self, operation: LongRunning) -> int:  # noqa: ARG002 - the protocol's
        return max(0, min(WHOLE_AT_ONCE, self._under_way.room())) if self._under_way.bodies.has_room() else 0

    def changes(self, operation: LongRunning) -> Collection[QueueName]:
        return {operation.queue}

    def may_choose(self, task: Task) -> bool:
        return task.dispatched_at is None

    def check(self, task: Task, now: datetime) -> None:  # noqa: ARG002 - the class's
        if isinstance(task.target, PullMessage):
            raise refusals.task_not_runnable()

    def change_tasks(
        self,
        tx: Transaction,
        stored: StoredQueue,
        tasks: Sequence[Task],
        selection: Selection,  # noqa: ARG002 - the class's
        now: datetime,
    ) -> Forced:
        forced = [task.dispatched(now) for task in tasks]
        tx.mark_dispatched(forced, now)
        tx.save_flows([(stored, stored.flow.forced(len(forced)))])
        return Forced(stored.queue, stored.id, forced)

    def committed(self, operation: LongRunning, changed: Changed) -> None:  # noqa: ARG002 - the protocol's
        if changed.told is not None:
            self._dispatcher.dispatch(changed.told.queue, changed.told.queue_id, changed.told.tasks)


class Rescheduled(Struct, frozen=True):
    """So many tasks of a queue are due then."""

    queue: Queue
    tasks: int
    at: datetime


class BulkReschedule(_Bulk):
    """Gives tasks another schedule time: that of the selection, else the moment at which the operation began."""

    def __init__(self, select: Select, events: Events, scheduler: Scheduler) -> None:
        super().__init__(select)
        self._events = events
        self._scheduler = scheduler

    def check(self, task: Task, now: datetime) -> None:
        if task.dispatched_at is not None:
            raise FailedPrecondition("An attempt of the task is under way.")
        if isinstance(task.target, PullMessage) and task.dispatch_count and task.schedule_time > now:
            raise FailedPrecondition("The task is leased.")

    def change_tasks(
        self, tx: Transaction, stored: StoredQueue, tasks: Sequence[Task], selection: Selection, now: datetime
    ) -> Rescheduled:
        at = selection.at or now
        for task in tasks:
            tx.reschedule(task, at)
        return Rescheduled(stored.queue, len(tasks), at)

    def committed(self, operation: LongRunning, changed: Changed) -> None:  # noqa: ARG002 - the protocol's
        told = changed.told
        if told is None:
            return
        self._events.emit(QueueChanged(told.queue.name, f"{told.tasks} tasks rescheduled"))
        if told.queue.dispatches:
            self._scheduler.wake(told.queue.name, told.at)


def bulk_workers(
    select: Select,
    events: Events,
    scheduler: Scheduler,
    dispatcher: Dispatcher,
    under_way: UnderWay,
    shelving: Shelving,
) -> dict[str, Worker]:
    """The workers by the names of their methods."""
    return {
        "BulkDeleteTasks": BulkDelete(select, events, shelving),
        "BulkRunTasks": BulkRun(select, under_way, dispatcher),
        "BulkRescheduleTasks": BulkReschedule(select, events, scheduler),
    }
