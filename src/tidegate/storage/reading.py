"""The engine's questions, asked of a database's tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from math import inf

from tidegate.core.lease import Lease
from tidegate.core.names import QueueName
from tidegate.core.queue import Kind
from tidegate.core.queue_numbers import WaitingCounts
from tidegate.core.task import Task
from tidegate.core.times import micros, moment
from tidegate.engine.ports.store import PlaceInLine, StoredQueue, Tally
from tidegate.storage import rows
from tidegate.storage.shelf import StoreShelfReader
from tidegate.storage.tables import ReadTables

TASKS_AT_ONCE = 128
BODIES_AT_ONCE = 8
"""Rows of tasks that are read in one step where their bytes are limited, without and with their bodies: a step for each
would cost a tenth more."""

LAST_CHARACTER = "\U0010ffff"
"""Sorts after all that a name may go on with."""


class StoreReader(StoreShelfReader):
    """``ports.Reader``."""

    tables: ReadTables

    def __init__(self, tables: ReadTables) -> None:
        self.tables = tables

    def queue(self, name: QueueName) -> StoredQueue | None:
        row = self.tables.queue(str.__str__(name))
        return None if row is None else rows.stored_queue(row)

    def queues(self, parent: str, after: str, limit: int) -> list[StoredQueue]:
        # "0" follows "/" in ASCII
        found = self.tables.queues(f"{parent}/queues/{after}", f"{parent}/queues0", limit)
        return [rows.listed_queue(row) for row in found]

    def queues_under(self, under: str, after: str, limit: int) -> list[StoredQueue]:
        found = self.tables.queues(max(under, after), under + LAST_CHARACTER, limit)
        return [rows.listed_queue(row) for row in found]

    def locations(self, project: str, after: str = "", limit: int | None = None) -> list[str]:
        prefix = f"projects/{project}/locations/"
        found: list[str] = []
        after = f"{prefix}{after}0" if after else prefix
        # One look-up a location, however many queues it has.
        while len(found) != limit and (name := self.tables.first_queue_name(after, f"projects/{project}/locations0")):
            location = name[len(prefix) :].split("/", 1)[0]
            found.append(location)
            after = f"{prefix}{location}0"
        return sorted(found)

    def queue_name_taken(self, name: QueueName, now: datetime) -> bool:
        return self.tables.is_reserved(str.__str__(name), micros(now))

    def task(self, queue: StoredQueue, task_id: str, *, body: bool) -> Task | None:
        row = self.tables.task(queue.key, task_id, body=body)
        return None if row is None else rows.task(queue.queue.name, queue.key, row)

    def leases(self, queue: StoredQueue, task_ids: Sequence[str]) -> dict[str, Lease]:
        if not task_ids:
            return {}
        found = self.tables.leases(queue.key, task_ids)
        return {task_id: Lease(rows.known_moment(until), count) for task_id, until, count in found}

    def tasks(
        self, queue: StoredQueue, after: str, limit: int, *, body: bool, bytes_limit: int | None = None
    ) -> list[Task]:
        tasks: list[Task] = []
        left = inf if bytes_limit is None else bytes_limit
        at_once = limit if bytes_limit is None else BODIES_AT_ONCE if body else TASKS_AT_ONCE
        while len(tasks) < limit:  # not all rows at once: their settings alone may be 80 KB each
            step = min(limit - len(tasks), at_once)
            found = self.tables.tasks(queue.key, after, step, body=body)
            for row in found:
                left -= len(row[rows.SETTINGS_COLUMN]) + len(row[rows.BODY_COLUMN])
                if left < 0 and tasks:
                    return tasks
                tasks.append(rows.task(queue.queue.name, queue.key, row))
            if len(found) < step:
                break
            after = found[-1][rows.ID_COLUMN]
        return tasks

    def tasks_in_line(
        self, queue: StoredQueue, behind: PlaceInLine | None, limit: int, *, latest_first: bool
    ) -> list[tuple[Task, PlaceInLine]]:
        found = self.tables.tasks_in_line(queue.key, behind, limit, latest_first=latest_first)
        return [
            (rows.task(queue.queue.name, queue.key, (*row, b"")), PlaceInLine(place, row[0])) for *row, place in found
        ]

    def has_tasks(self, queue: StoredQueue) -> bool:
        return self.tables.has_tasks(queue.key)

    def entombed(self, queue: StoredQueue, task_ids: Sequence[str], now: datetime) -> set[str]:
        return self.tables.entombed(queue.id, task_ids, micros(now)) if task_ids else set()

    def living(self, queue: StoredQueue, task_ids: Sequence[str]) -> set[str]:
        return self.tables.living(queue.key, task_ids) if task_ids else set()

    def next_due(self, queues: Sequence[StoredQueue]) -> list[datetime | None]:
        found = self.tables.next_due([queue.key for queue in queues])
        return [None if due is None else moment(due) for due in found]

    def waiting_before(self, queue: StoredQueue, task: Task, limit: int) -> list[datetime]:
        found = self.tables.waiting_before(queue.key, micros(task.schedule_time), task.key.seq, limit)
        return [moment(due) for due in found]

    def tallies(self, queues: Sequence[StoredQueue]) -> list[Tally]:
        if not queues:
            return []
        generations = [queue.key for queue in queues]
        found = self.tables.tallies(generations)
        tallies = {each: Tally(tasks, None if due is None else moment(due)) for each, tasks, due in found}
        return [tallies.get(generation, Tally(0, None)) for generation in generations]

    def waiting_counts(self, queues: Sequence[StoredQueue], now: datetime, most: int) -> list[WaitingCounts]:
        at = micros(now)
        return [self._waiting(queue, at, most) for queue in queues]

    def _waiting(self, queue: StoredQueue, now: int, most: int) -> WaitingCounts:
        tables, generation = self.tables, queue.key
        leased = tables.leased_count(generation, now, most) if queue.queue.kind is Kind.PULL else 0
        due, later = tables.due_count(generation, now, most), tables.later_count(generation, now, most)
        return WaitingCounts(due, later - leased, leased)

    def backlog(
        self,
        wanted: Callable[[QueueName], bool] | None = None,
        *,
        whole: bool = False,  # noqa: ARG002 - it always is
    ) -> list[tuple[StoredQueue, datetime]]:
        found = [(QueueName(name), moment(due)) for name, due in self.tables.backlog()]
        there = ((self.queue(name), due) for name, due in found if wanted is None or wanted(name))
        return [(stored, due) for stored, due in there if stored is not None]

    def document(self, kind: str, name: str, now: datetime) -> bytes | None:
        return self.tables.document(kind, name, micros(now))

    def documents(self, kind: str, under: str, after: str, limit: int, now: datetime) -> list[tuple[str, bytes]]:
        return list(self.tables.documents(kind, max(under, after), under + LAST_CHARACTER, limit, micros(now)))
