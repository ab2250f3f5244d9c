"""The engine's questions as SQL, over one open transaction of one connection."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import apsw

from tidegate.core.lease import Lease
from tidegate.core.names import QueueName
from tidegate.core.task import Task
from tidegate.core.times import micros, moment
from tidegate.engine.ports.store import StoredQueue, Tally
from tidegate.storage import rows
from tidegate.storage.rows import QUEUE_COLUMNS, TASK_COLUMNS

IDS = "(SELECT value FROM carray(?))"
"""The values of an array, for ``IN``."""

TASKS_AT_ONCE = 128
"""Rows of tasks that are read in one step where their bytes are limited: a step for each would cost a tenth more."""


class SqlReader:
    """``ports.Reader``."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._execute: Callable[..., Any] = connection.execute

    def queue(self, name: QueueName) -> StoredQueue | None:
        row = self._execute(f"SELECT {QUEUE_COLUMNS} FROM queues WHERE name = ?", (str.__str__(name),)).fetchone()
        return None if row is None else rows.stored_queue(row)

    def queues(self, parent: str, after: str, limit: int) -> list[StoredQueue]:
        found = self._execute(
            f"SELECT {QUEUE_COLUMNS} FROM queues WHERE name > ? AND name < ? ORDER BY name LIMIT ?",
            (f"{parent}/queues/{after}", f"{parent}/queues0", limit),  # "0" follows "/" in ASCII
        )
        return [rows.stored_queue(row) for row in found]

    def locations(self, project: str, after: str = "", limit: int | None = None) -> list[str]:
        prefix = f"projects/{project}/locations/"
        found: list[str] = []
        after = f"{prefix}{after}0" if after else prefix  # "0" follows "/" in ASCII
        while True:  # one look-up a location, however many queues it has
            row = self._execute(
                "SELECT name FROM queues WHERE name > ? AND name < ? ORDER BY name LIMIT 1",
                (after, f"projects/{project}/locations0"),
            ).fetchone()
            if row is None or len(found) == limit:
                return found
            location = row[0][len(prefix) :].split("/", 1)[0]
            found.append(location)
            after = f"{prefix}{location}0"

    def queue_name_taken(self, name: QueueName, now: datetime) -> bool:
        return self._any("SELECT 1 FROM reserved_names WHERE name = ? AND until > ?", (str.__str__(name), micros(now)))

    def task(self, queue: StoredQueue, task_id: str, *, body: bool) -> Task | None:
        found = self._tasks(queue, "generation = ? AND id = ?", (queue.generation, task_id), body=body)
        return next(found, None)

    def leases(self, queue: StoredQueue, task_ids: Sequence[str]) -> dict[str, Lease]:
        if not task_ids:
            return {}
        (found,) = self._execute(
            "SELECT json_group_array(json_array(id, schedule_time, dispatch_count)) FROM tasks"
            f" WHERE generation = ? AND id IN {IDS} AND +tag IS NOT NULL",  # +: by ID, not by tag
            (queue.generation, apsw.carray(tuple(task_ids))),
        ).fetchone()
        return {task_id: Lease(rows.known_moment(until), count) for task_id, until, count in rows.lease_rows(found)}

    def tasks(
        self, queue: StoredQueue, after: str, limit: int, *, body: bool, bytes_limit: int | None = None
    ) -> list[Task]:
        where = "generation = ? AND id > ? ORDER BY id LIMIT ?"
        if bytes_limit is None:
            return list(self._tasks(queue, where, (queue.generation, after, limit), body=body))
        columns = f"{TASK_COLUMNS}, body" if body else TASK_COLUMNS
        tasks: list[Task] = []
        while len(tasks) < limit:  # not all rows at once: their settings alone may be 80 KB each
            step = min(limit - len(tasks), TASKS_AT_ONCE)
            found = self._execute(
                f"SELECT {columns} FROM tasks WHERE {where}", (queue.generation, after, step)
            ).fetchall()
            targets = sum([len(row[rows.SETTINGS_COLUMN]) for row in found])
            if not body and targets <= bytes_limit:  # nearly always; one by one takes some percent longer
                bytes_limit -= targets
                tasks += [self._task(queue, row, body=False) for row in found]
            else:
                for row in found:
                    task = self._task(queue, row, body=body)
                    bytes_limit -= len(row[rows.SETTINGS_COLUMN]) + len(task.body)
                    if bytes_limit < 0 and tasks:
                        return tasks
                    tasks.append(task)
            if len(found) < step:
                break
            after = found[-1][1]
        return tasks

    def has_tasks(self, queue: StoredQueue) -> bool:
        return self._any("SELECT 1 FROM tasks WHERE generation = ? LIMIT 1", (queue.generation,))

    def entombed(self, queue: StoredQueue, task_ids: Sequence[str], now: datetime) -> set[str]:
        if not task_ids:
            return set()
        ids = tuple(task_ids)
        held = self._execute(
            f"SELECT id FROM tombstones WHERE queue = ? AND until > ? AND id IN {IDS}",
            (queue.id, micros(now), apsw.carray(ids)),
        )
        found = {row[0] for row in held}
        purged = self._execute(
            "SELECT tasks.id FROM generations CROSS JOIN tasks ON tasks.generation = generations.id"
            f" WHERE generations.queue = ? AND tombstones_until > ? AND tasks.id IN {IDS}",
            (queue.id, micros(now), apsw.carray(ids)),
        )
        found.update(row[0] for row in purged)
        return found

    def living(self, queue: StoredQueue, task_ids: Sequence[str]) -> set[str]:
        if not task_ids:
            return set()
        found = self._execute(
            f"SELECT id FROM tasks WHERE generation = ? AND id IN {IDS}",
            (queue.generation, apsw.carray(tuple(task_ids))),
        )
        return {row[0] for row in found}

    def next_due(self, queue: StoredQueue) -> datetime | None:
        row = self._execute(
            "SELECT min(schedule_time) FROM tasks WHERE generation = ? AND dispatched_at IS NULL",
            (queue.generation,),
        ).fetchone()
        return None if row[0] is None else moment(row[0])

    def tallies(self, queues: Sequence[StoredQueue]) -> list[Tally]:
        if not queues:
            return []
        generations = array("q", [queue.generation for queue in queues])
        found = self._execute(
            "SELECT id, tasks, (SELECT min(schedule_time) FROM tasks"
            " WHERE tasks.generation = generations.id AND dispatched_at IS NULL)"
            f" FROM generations WHERE id IN {IDS}",
            (apsw.carray(generations),),
        )
        tallies = {each: Tally(tasks, None if due is None else moment(due)) for each, tasks, due in found}
        return [tallies.get(generation, Tally(0, None)) for generation in generations]

    def backlog(self) -> list[tuple[QueueName, datetime]]:
        found = self._execute(
            "SELECT name, (SELECT min(schedule_time) FROM tasks"
            " WHERE tasks.generation = queues.generation AND dispatched_at IS NULL) AS due"
            " FROM queues WHERE due IS NOT NULL"
        )
        return [(QueueName(name), moment(due)) for name, due in found]

    def document(self, kind: str, name: str, now: datetime) -> bytes | None:
        row = self._execute(
            "SELECT value FROM documents WHERE kind = ? AND name = ? AND (expires IS NULL OR expires > ?)",
            (kind, name, micros(now)),
        ).fetchone()
        return None if row is None else row[0]

    def _any(self, sql: str, values: tuple[Any, ...]) -> bool:
        return self._execute(sql, values).fetchone() is not None

    def _tasks(self, queue: StoredQueue, where: str, values: tuple[Any, ...], *, body: bool) -> Iterator[Task]:
        columns = f"{TASK_COLUMNS}, body" if body else TASK_COLUMNS
        for row in self._execute(f"SELECT {columns} FROM tasks WHERE {where}", values).fetchall():
            yield self._task(queue, row, body=body)

    def _task(self, queue: StoredQueue, row: tuple[Any, ...], *, body: bool) -> Task:
        content = b""
        if body:
            content = row[-1] if row[-1] is not None else self._long_body(row[0])
        return rows.task(queue.queue.name, queue.generation, row, content)

    def _long_body(self, seq: int) -> bytes:
        row = self._execute("SELECT body FROM bodies WHERE task = ?", (seq,)).fetchone()
        found: bytes = row[0]
        return found
