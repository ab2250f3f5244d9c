"""What can be looked up in SQLite, over one open transaction of one connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apsw

from tidegate.storage.rows import QUEUE_COLUMNS, TASK_COLUMNS, Row
from tidegate.storage.sqlite.arrays import IN, lease_rows, numbers, texts
from tidegate.storage.sqlite.shelf_tables import SqliteShelfReadTables


class SqliteReadTables(SqliteShelfReadTables):
    """``tables.ReadTables``. Bodies longer than ``rows.INLINE_BODY`` stand in a table of their own."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.execute = connection.execute

    def queue(self, name: str) -> Row | None:
        row: Row | None = self.execute(f"SELECT {QUEUE_COLUMNS} FROM queues WHERE name = ?", (name,)).fetchone()
        return row

    def queues(self, after: str, before: str, limit: int) -> Sequence[Row]:
        found: Sequence[Row] = self.execute(
            f"SELECT {QUEUE_COLUMNS} FROM queues WHERE name > ? AND name < ? ORDER BY name LIMIT ?",
            (after, before, limit),
        ).fetchall()
        return found

    def first_queue_name(self, after: str, before: str) -> str | None:
        row = self.execute(
            "SELECT name FROM queues WHERE name > ? AND name < ? ORDER BY name LIMIT 1", (after, before)
        ).fetchone()
        return None if row is None else row[0]

    def is_reserved(self, name: str, now: int) -> bool:
        return self._any("SELECT 1 FROM reserved_names WHERE name = ? AND until > ?", (name, now))

    def task(self, generation: int, task_id: str, *, body: bool) -> Row | None:
        found = self._tasks("generation = ? AND id = ?", (generation, task_id), body=body)
        return found[0] if found else None

    def tasks(self, generation: int, after: str, limit: int, *, body: bool) -> Sequence[Row]:
        return self._tasks("generation = ? AND id > ? ORDER BY id LIMIT ?", (generation, after, limit), body=body)

    def tasks_in_line(
        self, generation: int, behind: tuple[int, int] | None, limit: int, *, latest_first: bool
    ) -> Sequence[Row]:
        order, further = ("DESC", "<") if latest_first else ("ASC", ">")
        then, place = ("", ()) if behind is None else (f" AND (schedule_time, seq) {further} (?, ?)", behind)
        found: list[Row] = []
        for waits in ("dispatched_at IS NULL", "dispatched_at IS NOT NULL"):  # each has an index of its own
            found += self.execute(
                f"SELECT {TASK_COLUMNS}, schedule_time FROM tasks WHERE generation = ? AND {waits}{then}"
                f" ORDER BY schedule_time {order}, seq {order} LIMIT ?",
                (generation, *place, limit),
            )
        found.sort(key=lambda row: (row[-1], row[0]), reverse=latest_first)
        return found[:limit]

    def leases(self, generation: int, task_ids: Sequence[str]) -> Sequence[tuple[str, int, int]]:
        (found,) = self.execute(
            "SELECT json_group_array(json_array(id, schedule_time, dispatch_count)) FROM tasks"
            f" WHERE generation = ? AND id {IN} AND +tag IS NOT NULL",  # +: by ID, not by tag
            (generation, texts(task_ids)),
        ).fetchone()
        return lease_rows(found)

    def has_tasks(self, generation: int) -> bool:
        return self._any("SELECT 1 FROM tasks WHERE generation = ? LIMIT 1", (generation,))

    def entombed(self, queue: int, task_ids: Sequence[str], now: int) -> set[str]:
        held = self.execute(
            f"SELECT id FROM tombstones WHERE queue = ? AND until > ? AND id {IN}", (queue, now, texts(task_ids))
        )
        found = {row[0] for row in held}
        purged = self.execute(
            "SELECT tasks.id FROM generations CROSS JOIN tasks ON tasks.generation = generations.id"
            f" WHERE generations.queue = ? AND tombstones_until > ? AND tasks.id {IN}",
            (queue, now, texts(task_ids)),
        )
        found.update(row[0] for row in purged)
        return found

    def living(self, generation: int, task_ids: Sequence[str]) -> set[str]:
        found = self.execute(f"SELECT id FROM tasks WHERE generation = ? AND id {IN}", (generation, texts(task_ids)))
        return {row[0] for row in found}

    def next_due(self, generations: Sequence[int]) -> list[int | None]:
        first = "SELECT min(schedule_time) FROM tasks WHERE generation = ? AND dispatched_at IS NULL"
        return [self.execute(first, (generation,)).fetchone()[0] for generation in generations]

    def waiting_before(self, generation: int, schedule_time: int, seq: int, limit: int) -> Sequence[int]:
        found = self.execute(
            "SELECT schedule_time FROM tasks WHERE generation = ?1 AND dispatched_at IS NULL"
            " AND schedule_time <= ?2 AND (schedule_time < ?2 OR seq < ?3) ORDER BY schedule_time, seq LIMIT ?4",
            (generation, schedule_time, seq, limit),
        )
        return [due for (due,) in found]

    def tallies(self, generations: Sequence[int]) -> Sequence[tuple[int, int, int | None]]:
        found: Sequence[tuple[int, int, int | None]] = self.execute(
            "SELECT id, tasks, (SELECT min(schedule_time) FROM tasks"
            " WHERE tasks.generation = generations.id AND dispatched_at IS NULL)"
            f" FROM generations WHERE id {IN}",
            (numbers(generations),),
        ).fetchall()
        return found

    def due_count(self, generation: int, now: int, most: int) -> int:
        return self._count("schedule_time <= ?", generation, now, most)

    def later_count(self, generation: int, now: int, most: int) -> int:
        return self._count("schedule_time > ?", generation, now, most)

    def leased_count(self, generation: int, now: int, most: int) -> int:
        count: int = self.execute(
            "SELECT count(*) FROM (SELECT dispatch_count FROM tasks WHERE generation = ? AND dispatched_at IS NULL"
            " AND schedule_time > ? ORDER BY schedule_time LIMIT ?) WHERE dispatch_count > 0",
            (generation, now, most),
        ).fetchone()[0]
        return count

    def _count(self, when: str, generation: int, now: int, most: int) -> int:
        count: int = self.execute(
            "SELECT count(*) FROM (SELECT 1 FROM tasks WHERE generation = ? AND dispatched_at IS NULL"
            f" AND {when} LIMIT ?)",
            (generation, now, most),
        ).fetchone()[0]
        return count

    def backlog(self) -> Sequence[tuple[str, int]]:
        found: Sequence[tuple[str, int]] = self.execute(
            "SELECT name, (SELECT min(schedule_time) FROM tasks"
            " WHERE tasks.generation = queues.generation AND dispatched_at IS NULL) AS due"
            " FROM queues WHERE due IS NOT NULL"
        ).fetchall()
        return found

    def document(self, kind: str, name: str, now: int) -> bytes | None:
        row = self.execute(
            "SELECT value FROM documents WHERE kind = ? AND name = ? AND (expires IS NULL OR expires > ?)",
            (kind, name, now),
        ).fetchone()
        return None if row is None else row[0]

    def documents(self, kind: str, after: str, before: str, limit: int, now: int) -> Sequence[tuple[str, bytes]]:
        found: Sequence[tuple[str, bytes]] = self.execute(
            "SELECT name, value FROM documents WHERE kind = ? AND name > ? AND name < ?"
            " AND (expires IS NULL OR expires > ?) ORDER BY name LIMIT ?",
            (kind, after, before, now, limit),
        ).fetchall()
        return found

    def _any(self, sql: str, values: tuple[Any, ...]) -> bool:
        return self.execute(sql, values).fetchone() is not None

    def _tasks(self, where: str, values: tuple[Any, ...], *, body: bool) -> list[Row]:
        if not body:
            bare: list[Row] = self.execute(f"SELECT {TASK_COLUMNS}, x'' FROM tasks WHERE {where}", values).fetchall()
            return bare
        found = self.execute(f"SELECT {TASK_COLUMNS}, body FROM tasks WHERE {where}", values).fetchall()
        return [row if row[-1] is not None else (*row[:-1], self._long_body(row[0])) for row in found]

    def _long_body(self, seq: int) -> bytes:
        (body,) = self.execute("SELECT body FROM bodies WHERE task = ?", (seq,)).fetchone()
        found: bytes = body
        return found
