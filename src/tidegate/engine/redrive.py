"""Many dead tasks at once: driven into a queue again, or deleted, as long-running operations.

Dead tasks are looked at in the order in which they died. Those that died after the operation began are left alone, so a
task that dies again is not driven in circles.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from msgspec import Struct

from tidegate.core import refusals
from tidegate.core.dead_letters import DeadTask
from tidegate.core.names import QueueName
from tidegate.core.operator_names import dead_task_name
from tidegate.core.times import later
from tidegate.engine.dead_letters import Revival, revive
from tidegate.engine.long_running import Changed, Failure, Found, LongRunning, Worker
from tidegate.engine.lookup import found
from tidegate.engine.ports.events import Events, TasksCreated
from tidegate.engine.ports.store import Reader, Transaction
from tidegate.engine.scheduler import Scheduler

REDRIVEN_BYTES: Final = 4 * 2**20
"""Bytes of dead tasks that one step drives, if it drives more than one: they are read for it."""
LOOKED_AT: Final = 250
"""Dead tasks of one look."""


class DeadSelection(Struct, frozen=True):
    """Which dead tasks of a queue an operation is about: those with these IDs; without any, all that ``chooses``
    chooses, all with None.

    Driven again, they go into ``to_queue``, None: their own. The first is due ``at`` then, None: when the operation
    began; the others follow evenly over ``spread``.
    """

    dead_ids: Sequence[int] = ()
    chooses: Callable[[DeadTask], bool] | None = None
    to_queue: QueueName | None = None
    at: datetime | None = None
    spread: timedelta = timedelta()
    keep_counts: bool = False


Select = Callable[[bytes], DeadSelection]
"""Reads the request of an operation."""


class Entry(NamedTuple):
    """A dead task, and how many were looked at before it."""

    dead_id: int
    before: int


class Position(NamedTuple):
    """The last dead task that was looked at, and how many were."""

    dead_id: int = 0
    scanned: int = 0

    @classmethod
    def read(cls, text: str) -> Position:
        return cls(*map(int, text.split())) if text else cls()

    def __str__(self) -> str:
        return f"{self.dead_id} {self.scanned}"


class _OfDeadTasks(Worker):
    """What both operations have in common."""

    def __init__(self, select: Select, bytes_limit: int | None = None) -> None:
        self._select = select
        self._bytes_limit = bytes_limit

    def room(self, operation: LongRunning) -> int:  # noqa: ARG002 - the protocol's
        return LOOKED_AT

    def changes(self, operation: LongRunning) -> Collection[QueueName]:  # noqa: ARG002 - the protocol's
        return ()

    def total(self, reader: Reader, operation: LongRunning) -> int | None:
        stored = found(reader.queue(operation.queue))
        selection = self._select(operation.request)
        if selection.to_queue is not None:
            found(reader.queue(selection.to_queue))
        return len(selection.dead_ids) or reader.shelf(stored).tasks

    def look(self, reader: Reader, operation: LongRunning, position: str, limit: int) -> Found:
        stored = found(reader.queue(operation.queue))
        selection = self._select(operation.request)
        at = Position.read(position)
        if selection.dead_ids:
            wanted = selection.dead_ids[at.scanned : at.scanned + limit]
            by_id = {dead.id: dead for dead in reader.dead_tasks_by_id(stored, wanted, whole=False)}
            some = [by_id.get(dead_id) for dead_id in wanted]
        else:
            wanted, some = (), list(reader.dead_tasks(stored, limit, after=at.dead_id))
        entries: list[Entry] = []
        left = self._bytes_limit
        for place, dead in enumerate(some):
            if dead is not None and self._is_chosen(dead, selection, operation):
                if left is not None:
                    left -= dead.size
                    if left < 0 and entries:
                        return Found(entries, place, str(at), end=False)
                entries.append(Entry(dead.id, at.scanned))
            elif dead is None:  # named, and not there
                entries.append(Entry(wanted[place], at.scanned))
            at = Position(at.dead_id if dead is None else dead.id, at.scanned + 1)
        end = at.scanned == len(selection.dead_ids) if selection.dead_ids else len(some) < limit
        return Found(entries, len(some), str(at), end)

    def _is_chosen(self, dead: DeadTask, selection: DeadSelection, operation: LongRunning) -> bool:
        if selection.dead_ids:
            return True
        if dead.death_time > operation.start_time:
            return False
        return selection.chooses is None or selection.chooses(dead)


class Redriven(Struct, frozen=True):
    """What a step of a redrive did, at ``now``."""

    revival: Revival
    now: datetime


class Redrive(_OfDeadTasks):
    """Drives dead tasks into a queue again."""

    def __init__(self, select: Select, events: Events, scheduler: Scheduler) -> None:
        super().__init__(select, REDRIVEN_BYTES)
        self._events = events
        self._scheduler = scheduler

    def change(self, tx: Transaction, operation: LongRunning, entries: Sequence[Entry], now: datetime) -> Changed:
        selection = self._select(operation.request)
        source = found(tx.queue(operation.queue))
        target = source if selection.to_queue is None else found(tx.queue(selection.to_queue))
        total = max(operation.progress.total or 1, 1)
        begin = selection.at or operation.start_time
        wanted = [(dead_id, max(now, later(begin, selection.spread * before / total))) for dead_id, before in entries]
        revival = revive(tx, source, target, wanted, now, keep_counts=selection.keep_counts)
        refused = revival.refused
        if selection.dead_ids:
            refused = refused | {dead_id: refusals.not_found() for dead_id in revival.missing}
        failures = [Failure.of(dead_task_name(source.queue.name, dead_id), why) for dead_id, why in refused.items()]
        return Changed(len(revival.tasks), failures, Redriven(revival, now))

    def committed(self, operation: LongRunning, changed: Changed) -> None:  # noqa: ARG002 - the protocol's
        told: Redriven | None = changed.told
        if told is None or not told.revival.tasks:
            return
        queue, tasks = told.revival.queue.queue, told.revival.tasks
        self._events.emit(TasksCreated(queue, tasks, told.now))
        if queue.dispatches:
            self._scheduler.wake(queue.name, min(task.schedule_time for task in tasks))


class PurgeDead(_OfDeadTasks):
    """Deletes dead tasks."""

    def change(
        self,
        tx: Transaction,
        operation: LongRunning,
        entries: Sequence[Entry],
        now: datetime,  # noqa: ARG002 - the protocol's
    ) -> Changed:
        stored = found(tx.queue(operation.queue))
        return Changed(tx.drop_dead(stored, [each.dead_id for each in entries]))

    def committed(self, operation: LongRunning, changed: Changed) -> None:
        pass  # nobody waits for it


def dead_task_workers(select: Select, events: Events, scheduler: Scheduler) -> dict[str, Worker]:
    """The workers by the names of their methods."""
    return {"RedriveDeadTasks": Redrive(select, events, scheduler), "PurgeDeadTasks": PurgeDead(select)}
