"""The engine's changes, made in a database's tables: the same for every database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from msgspec.structs import replace

from tidegate.core.bucket import Flow
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue
from tidegate.core.task import Task
from tidegate.core.times import micros, moment
from tidegate.engine.ports.store import (
    Added,
    DueTasks,
    EndedAttempts,
    Mark,
    Released,
    StoredAge,
    StoredQueue,
    StoreFullError,
    Verdict,
)
from tidegate.storage import rows
from tidegate.storage.reading import StoreReader
from tidegate.storage.rows import TaskKey
from tidegate.storage.shelf import StoreShelf
from tidegate.storage.tables import Grave, Tables

QUEUES_KEPT = 4096
"""Queues of which the writer remembers the row. Most transactions begin by reading one."""


class Finished(NamedTuple):
    """Tasks of a queue that are done or given up, by these verdicts; their names stay taken ``until`` then."""

    queue: StoredQueue
    tasks: Sequence[Task]
    verdicts: Sequence[Verdict]
    until: int


class StoreTransaction(StoreShelf, StoreReader):
    """``ports.Transaction``. One object for the life of the store: it counts the tasks' sequence numbers."""

    tables: Tables

    def __init__(self, tables: Tables, has_room: Callable[[], bool] = lambda: True) -> None:
        """``has_room`` says whether the disk has room for anything new."""
        super().__init__(tables)
        self.has_room = has_room
        self._queues: dict[QueueName, StoredQueue] = {}
        self._last_seq = tables.last_seq()

    def queue(self, name: QueueName) -> StoredQueue | None:
        """As the row has it; remembered, for nobody else writes it while this store is open."""
        known = self._queues.get(name)
        if known is None:
            known = super().queue(name)
            if known is not None:
                if len(self._queues) >= QUEUES_KEPT:
                    self._queues.clear()
                self._queues[known.queue.name] = known
        return known

    def rolled_back(self) -> None:
        """What was written since the last commit is not so."""
        self._queues.clear()

    # Queues

    def held(self, queue: QueueName) -> bool:
        return True  # nobody else writes

    def add_queue(self, queue: Queue, flow: Flow) -> StoredQueue:
        self._check_room()
        name = str.__str__(queue.name)
        self.tables.free_name(name)
        queue_id = self.tables.insert_queue(name, rows.queue_settings(queue), rows.flow_columns(flow))
        generation = self.tables.open_generation(queue_id)
        return StoredQueue(queue=queue, flow=flow, id=queue_id, key=generation)

    def save_queue(self, stored: StoredQueue, queue: Queue) -> None:
        self._queues.pop(stored.queue.name, None)
        self.tables.save_settings(stored.id, rows.queue_settings(queue))

    def save_flows(self, flows: Sequence[tuple[StoredQueue, Flow]]) -> None:
        if not flows:
            return
        self.tables.save_flows([(stored.id, rows.flow_columns(flow)) for stored, flow in flows])
        for stored, flow in flows:
            known = self._queues.get(stored.queue.name)
            if known is not None and known.id == stored.id:
                self._queues[stored.queue.name] = StoredQueue(known.queue, flow, known.id, known.key)

    def delete_queue(self, stored: StoredQueue, reserved_until: datetime) -> None:
        self._queues.pop(stored.queue.name, None)
        self.tables.close_generation(stored.key, 0)
        self.tables.delete_queue(stored.id)
        self.tables.drop_shelf(stored.id)
        self.tables.reserve_name(str.__str__(stored.queue.name), micros(reserved_until))

    def purge(self, stored: StoredQueue, queue: Queue, tombstones_until: datetime) -> None:
        self.tables.close_generation(stored.key, micros(tombstones_until))
        self.tables.open_generation(stored.id)
        self.save_queue(stored, queue)

    # Tasks

    def add_tasks(self, queue: StoredQueue, tasks: Sequence[Task]) -> Collection[str]:
        self._add(queue, tasks, None)
        return ()

    def add_dispatched(self, queue: StoredQueue, tasks: Sequence[Task], now: datetime) -> Added:
        first = self._add(queue, tasks, micros(now))
        generation = queue.key
        return Added([replace(each, key=TaskKey(generation, seq)) for seq, each in enumerate(tasks, first)])

    def _add(self, queue: StoredQueue, tasks: Sequence[Task], dispatched_at: int | None) -> int:
        """Insert tasks; return the seq of the first."""
        self._check_room()
        first = self._last_seq + 1
        self._last_seq += len(tasks)
        self.tables.insert_tasks(rows.task_values(first, queue.key, tasks), dispatched_at)
        self.tables.count_tasks({queue.key: len(tasks)})
        return first

    def due_tasks(self, asked: Sequence[tuple[StoredQueue, int]], now: datetime) -> list[DueTasks]:
        found = self.tables.due([(queue.key, limit) for queue, limit in asked], micros(now))
        return [
            rows.due_tasks(queue.queue.name, queue.key, each) for (queue, _), each in zip(asked, found, strict=True)
        ]

    def with_bodies(self, tasks: list[Task]) -> list[Task]:
        marker = rows.UNREAD
        unread = [task.key.seq for task in tasks if task.body is marker]
        if not unread:
            return tasks
        bodies = self.tables.bodies(unread)
        return [replace(task, body=bodies[task.key.seq]) if task.body is marker else task for task in tasks]

    def mark_dispatched(self, tasks: Sequence[Task], now: datetime) -> None:
        if tasks:
            self.tables.mark_dispatched([task.key.seq for task in tasks], micros(now))

    def leasable(self, queue: StoredQueue, tag: str | None, now: datetime, limit: int) -> DueTasks:
        found = self.tables.leasable(queue.key, tag, micros(now), limit)
        return rows.leasable_tasks(queue.queue.name, queue.key, found)

    def mark_leased(self, tasks: Sequence[Task], until: datetime, last: Sequence[Task]) -> None:
        self.tables.mark_leased([task.key.seq for task in tasks], micros(until))
        if last:
            self.tables.mark_last_leases([task.key.seq for task in last], last=True)

    def last_leases(self, now: datetime, limit: int) -> list[tuple[StoredQueue, Task]]:
        return self._tasks_of(self.tables.last_leases(micros(now), limit))

    def allow_leases(self, tasks: Sequence[Task]) -> None:
        if tasks:
            self.tables.mark_last_leases([task.key.seq for task in tasks], last=False)

    def ages(self, after: Any | None, limit: int) -> list[StoredAge]:
        return [
            StoredAge(None if name is None else self._known(name), task_id, moment(created), seq)
            for seq, task_id, created, name in self.tables.ages(after or 0, limit)
        ]

    def reschedule(self, task: Task, at: datetime) -> None:
        self.tables.reschedule(task.key.seq, micros(at))

    def ended(self, attempts: Sequence[EndedAttempts]) -> list[Verdict]:
        stale = self._record(attempts)
        self.save_flows(
            [(each.queue, each.queue.flow.ended(each.places).answered(each.answers, each.latest)) for each in attempts]
        )
        return stale

    def _record(self, attempts: Sequence[EndedAttempts]) -> list[Verdict]:
        """Write down what the verdicts say. Returns those that did not count."""
        stale: list[Verdict] = []
        gone: defaultdict[int, list[Finished]] = defaultdict(list)
        kept: list[Verdict] = []
        for ended in attempts:
            done: defaultdict[int, list[Verdict]] = defaultdict(list)
            for verdict in ended.verdicts:
                if verdict.task.key.generation != ended.queue.key:
                    stale.append(verdict)  # purged meanwhile
                elif verdict.retry is None:
                    done[verdict.task.dispatch_count].append(verdict)
                else:
                    kept.append(verdict)
            for attempt, verdicts in done.items():
                tasks = [verdict.task for verdict in verdicts]
                until = micros(ended.tombstones_until)
                gone[attempt].append(Finished(ended.queue, tasks, verdicts, until))
        for attempt, groups in gone.items():
            stale += self._finish(groups, attempt)
        return stale + self._retry(kept) if kept else stale

    def still_under_way(self, tasks: Sequence[Task]) -> set[str]:
        if not tasks:
            return set()
        by_attempt: defaultdict[int, list[Task]] = defaultdict(list)
        for task in tasks:
            by_attempt[task.dispatch_count].append(task)
        there: set[str] = set()
        for attempt, group in by_attempt.items():
            newest = self.tables.newest([task.key.seq for task in group], attempt)
            there.update(task.name.task for task in group if task.key.seq in newest)
        return there

    def remove(self, queue: StoredQueue, task_ids: Sequence[str], tombstones_until: datetime) -> set[str]:
        if not task_ids:
            return set()
        gone = self.tables.remove(queue.key, task_ids)
        if gone:
            self.tables.count_tasks({queue.key: -len(gone)})
            self.tables.entomb([Grave(queue.id, micros(tombstones_until), gone)])
        return set(gone)

    # The rest

    def put_document(self, kind: str, name: str, value: bytes, expires: datetime | None = None) -> None:
        self.tables.put_document(kind, name, value, rows.optional_micros(expires))

    def drop_document(self, kind: str, name: str) -> None:
        self.tables.drop_document(kind, name)

    def marked(self, node: int, limit: int) -> list[Mark]:
        return []

    def release_marked(self, marks: Sequence[Mark], now: datetime) -> int:
        return 0

    def release(self, node: int, now: datetime, limit: int) -> Released:
        self._queues.clear()
        lost = self.tables.release(micros(now), limit)  # whichever node's: there is one, whose last process is no more
        return Released(self._tasks_of(row for row in lost if row[-1] is not None), len(lost) == limit)

    def clear(self, now: datetime, limit: int) -> bool:
        at = micros(now)
        left = self._clear_generation(at, limit)
        left |= self.tables.clear_shelves(at, limit)
        return self.tables.clear_spent(at, limit) or left

    def reset(self) -> None:
        self._queues.clear()
        self.tables.reset()

    def _clear_generation(self, now: int, limit: int) -> bool:
        """Delete some tasks of a closed generation; True if there was one."""
        closed = self.tables.closed_generation()
        if closed is None:
            return False
        generation, queue, until = closed
        gone = self.tables.empty_generation(generation, limit)
        if until > now:
            self.tables.entomb([Grave(queue, until, gone)])
        if len(gone) < limit and self.tables.empty_attempts(generation, limit) < limit:
            self.tables.drop_generation(generation)
        return True

    def _finish(self, groups: Sequence[Finished], attempt: int) -> list[Verdict]:
        """Delete tasks whose newest attempt is this one, by what is known of them: nothing is read back. Returns the
        verdicts on tasks that are under way once more.
        """
        seqs = [task.key.seq for group in groups for task in group.tasks]
        # Which queue's are not there is found out one by one.
        if len(groups) > 1 and self.tables.count_newest(seqs, attempt) < len(seqs):
            return [verdict for group in groups for verdict in self._finish([group], attempt)]
        finished = self.tables.delete_newest(seqs, attempt)
        self.tables.count_tasks(
            {groups[0].queue.key: -finished}
            if len(groups) == 1
            else {group.queue.key: -len(group.tasks) for group in groups}
        )
        stale: list[Verdict] = []
        if finished != len(seqs):  # some are gone already, or under way once more
            ((queue, tasks, verdicts, until),) = groups
            left = self.tables.existing(seqs)
            stale = [verdict for verdict in verdicts if verdict.task.key.seq in left]
            groups = [Finished(queue, [task for task in tasks if task.key.seq not in left], verdicts, until)]
        self.tables.entomb(
            [Grave(group.queue.id, group.until, [task.name.task for task in group.tasks]) for group in groups]
        )
        long = [task.key.seq for group in groups for task in group.tasks if len(task.body) > rows.INLINE_BODY]
        if long:
            self.tables.drop_bodies(long)
        return stale

    def _retry(self, kept: Sequence[Verdict]) -> list[Verdict]:
        """Make tasks wait for their next attempt. Returns the verdicts on those that are gone or under way again."""
        retries = [rows.retry_columns(verdict.retry, verdict.task) for verdict in kept if verdict.retry is not None]
        if self.tables.retry(retries) == len(kept):
            return []
        seqs: defaultdict[int, list[int]] = defaultdict(list)
        for verdict in kept:
            seqs[verdict.task.dispatch_count].append(verdict.task.key.seq)
        newest = {attempt: self.tables.newest(each, attempt) for attempt, each in seqs.items()}
        return [each for each in kept if each.task.key.seq not in newest[each.task.dispatch_count]]

    def _tasks_of(self, found: Iterable[rows.Row]) -> list[tuple[StoredQueue, Task]]:
        """Tasks without bodies, and their queues, from ``rows.TASK_COLUMNS`` and the queue's name."""
        tasks: list[tuple[StoredQueue, Task]] = []
        for *row, name in found:
            stored = self._known(name)
            tasks.append((stored, rows.task(stored.queue.name, stored.key, (*row, b""))))
        return tasks

    def _known(self, name: str) -> StoredQueue:
        """The queue of a task that was found in this transaction."""
        stored = self.queue(QueueName(name))
        assert stored is not None  # noqa: S101 - its row gave the name
        return stored

    def _check_room(self) -> None:
        if not self.has_room():
            raise StoreFullError("the disk is full; what room is left is for removals")
