"""What can be written in SQLite, over one open transaction of one connection.

Every statement touches many rows in one step: each step gives the interpreter lock away, so fewer, larger steps win.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

import apsw

from tidegate.storage.rows import INLINE_BODY, INSERT_COLUMNS, INSERTED, TASK_COLUMNS, DueRow, LeaseRow, Row
from tidegate.storage.sqlite.arrays import (
    DUE,
    IN,
    LEASABLE,
    due_rows,
    json_rows,
    leasable_rows,
    numbers,
    removable_rows,
    texts,
)
from tidegate.storage.sqlite.read_tables import SqliteReadTables
from tidegate.storage.sqlite.shelf_tables import SqliteShelfTables
from tidegate.storage.tables import Grave

ROWS_PER_INSERT: Final = 128
"""Rows of one multi-row VALUES: each statement gives the interpreter lock away once, however many rows it has."""

QUEUES_PER_LOOK: Final = 16
"""Queues asked for their due tasks in one statement."""

TABLES: Final = (
    *("queues", "generations", "tasks", "bodies", "tombstones", "reserved_names", "documents"),
    *("attempts", "dead_tasks", "shelves"),
)

_QUEUE_OF_TASK: Final = (
    "JOIN generations ON generations.id = tasks.generation"
    " {left} JOIN queues ON queues.id = generations.queue AND queues.generation = tasks.generation"
)

_TASK_OF_QUEUE: Final = ", ".join(f"tasks.{column}" for column in TASK_COLUMNS.split(", "))


@cache
def _insert(tasks: int) -> str:
    """The statement that inserts so many tasks, ``ROWS_PER_INSERT`` at most."""
    row = ", ".join(["?"] * INSERTED)
    return f"INSERT INTO tasks ({INSERT_COLUMNS}) VALUES " + ", ".join([f"({row})"] * tasks)


@cache
def _insert_dispatched(tasks: int) -> str:
    """The same for tasks whose first attempts start at the time that comes before the values of the rows."""
    columns = f"first_dispatch_at, dispatched_at, dispatch_count, {INSERT_COLUMNS}"
    row = ", ".join(["?"] * INSERTED)
    return f"INSERT INTO tasks ({columns}) VALUES " + ", ".join([f"(?1, ?1, 1, {row})"] * tasks)


@cache
def _due(queues: int) -> str:
    """The statement that asks so many queues: a column for each, an array of ``DUE``.

    Its values: now, then the generation and the limit of each queue.
    """
    return "SELECT " + ", ".join(
        f"(SELECT json_group_array({DUE}) FROM"
        f" (SELECT * FROM tasks WHERE generation = ?{2 * each} AND dispatched_at IS NULL AND schedule_time <= ?1"
        f" ORDER BY schedule_time, seq LIMIT ?{2 * each + 1}))"
        for each in range(1, queues + 1)
    )


class SqliteTables(SqliteShelfTables, SqliteReadTables):
    """``tables.Tables``."""

    def __init__(self, connection: apsw.Connection) -> None:
        super().__init__(connection)
        self._connection = connection
        self._executemany = connection.executemany

    # Queues

    def insert_queue(self, name: str, settings: bytes, flow: Row) -> int:
        row = self.execute(
            "INSERT INTO queues (name, generation, settings, tokens, filled_at, in_flight, throttle, ramp)"
            " VALUES (?, 0, ?, ?, ?, ?, ?, ?) RETURNING id",
            (name, settings, *flow),
        ).fetchall()
        return int(row[0][0])

    def save_settings(self, queue: int, settings: bytes) -> None:
        self.execute("UPDATE queues SET settings = ? WHERE id = ?", (settings, queue))

    def save_flows(self, flows: Sequence[tuple[int, Row]]) -> None:
        if len(flows) == 1:
            ((queue, flow),) = flows
            self.execute(
                "UPDATE queues SET tokens = ?, filled_at = ?, in_flight = ?, throttle = ?, ramp = ? WHERE id = ?",
                (*flow, queue),
            )
        else:
            self.execute(
                "UPDATE queues SET tokens = flow.value ->> 1, filled_at = flow.value ->> 2,"
                " in_flight = flow.value ->> 3, throttle = unhex(flow.value ->> 4), ramp = unhex(flow.value ->> 5)"
                " FROM json_each(?) AS flow WHERE queues.id = flow.value ->> 0",
                (json_rows([(queue, *_digits(flow)) for queue, flow in flows]),),
            )

    def delete_queue(self, queue: int) -> None:
        self.execute("DELETE FROM queues WHERE id = ?", (queue,))

    def reserve_name(self, name: str, until: int) -> None:
        self.execute("INSERT OR REPLACE INTO reserved_names (name, until) VALUES (?, ?)", (name, until))

    def free_name(self, name: str) -> None:
        self.execute("DELETE FROM reserved_names WHERE name = ?", (name,))

    def open_generation(self, queue: int) -> int:
        ((generation,),) = self.execute("INSERT INTO generations (queue) VALUES (?) RETURNING id", (queue,)).fetchall()
        self.execute("UPDATE queues SET generation = ? WHERE id = ?", (generation, queue))
        return int(generation)

    def close_generation(self, generation: int, tombstones_until: int) -> None:
        self.execute("UPDATE generations SET tombstones_until = ? WHERE id = ?", (tombstones_until, generation))

    # Tasks

    def last_seq(self) -> int:
        (last,) = self.execute("SELECT coalesce(max(seq), 0) FROM tasks").fetchone()
        return int(last)

    def insert_tasks(self, values: Sequence[Any], dispatched_at: int | None) -> None:
        apart: list[tuple[int, bytes]] = []
        if max(map(len, values[INSERTED - 1 :: INSERTED]), default=0) > INLINE_BODY:
            values = list(values)
            for end in range(INSERTED - 1, len(values), INSERTED):
                if len(values[end]) > INLINE_BODY:
                    apart.append((values[end - INSERTED + 1], values[end]))
                    values[end] = None
        statement, before = (_insert, ()) if dispatched_at is None else (_insert_dispatched, (dispatched_at,))
        for start in range(0, len(values), ROWS_PER_INSERT * INSERTED):
            step = values[start : start + ROWS_PER_INSERT * INSERTED]
            self.execute(statement(len(step) // INSERTED), (*before, *step))
        if apart:
            self._executemany("INSERT INTO bodies (task, body) VALUES (?, ?)", apart)

    def count_tasks(self, more: Mapping[int, int]) -> None:
        changed = [(generation, by) for generation, by in more.items() if by]
        if len(changed) == 1:
            self.execute("UPDATE generations SET tasks = tasks + ?2 WHERE id = ?1", changed[0])
        elif changed:
            self.execute(
                "UPDATE generations SET tasks = tasks + (more.value ->> 1)"
                " FROM json_each(?) AS more WHERE generations.id = more.value ->> 0",
                (json_rows(changed),),
            )

    def due(self, asked: Sequence[tuple[int, int]], now: int) -> list[Sequence[DueRow]]:
        due: list[Sequence[DueRow]] = []
        for start in range(0, len(asked), QUEUES_PER_LOOK):
            step = asked[start : start + QUEUES_PER_LOOK]
            values = [now]
            for each in step:
                values += each
            due += map(due_rows, self.execute(_due(len(step)), values).fetchone())
        return due

    def leasable(self, generation: int, tag: str | None, now: int, limit: int) -> Sequence[LeaseRow]:
        of_tag, tags = ("dispatched_at IS NULL", ()) if tag is None else ("tag = ?", (tag,))
        (found,) = self.execute(
            f"SELECT json_group_array({LEASABLE}) FROM"
            f" (SELECT * FROM tasks WHERE generation = ? AND {of_tag} AND schedule_time <= ?"
            " ORDER BY schedule_time, seq LIMIT ?)",
            (generation, *tags, now, limit),
        ).fetchone()
        return leasable_rows(found)

    def bodies(self, seqs: Sequence[int]) -> Mapping[int, bytes]:
        return dict(self.execute(f"SELECT task, body FROM bodies WHERE task {IN}", (numbers(seqs),)))

    def mark_dispatched(self, seqs: Sequence[int], now: int) -> None:
        self.execute(
            "UPDATE tasks SET dispatch_count = dispatch_count + 1, dispatched_at = ?1,"
            f" first_dispatch_at = coalesce(first_dispatch_at, ?1) WHERE seq {IN}",
            (now, numbers(seqs)),
        )

    def mark_leased(self, seqs: Sequence[int], until: int) -> None:
        self.execute(
            "UPDATE tasks SET schedule_time = ?, dispatch_count = dispatch_count + 1, last_lease = NULL"
            f" WHERE seq {IN}",
            (until, numbers(seqs)),
        )

    def mark_last_leases(self, seqs: Sequence[int], *, last: bool) -> None:
        self.execute(f"UPDATE tasks SET last_lease = ? WHERE seq {IN}", (1 if last else None, numbers(seqs)))

    def reschedule(self, seq: int, at: int) -> None:
        self.execute("UPDATE tasks SET schedule_time = ? WHERE seq = ?", (at, seq))

    def retry(self, retries: Sequence[Row]) -> int:
        before = self._connection.total_changes()
        self._executemany(
            "UPDATE tasks SET schedule_time = ?, response_count = ?, answer_count = ?, last_attempt = ?,"
            " dispatched_at = NULL WHERE seq = ? AND dispatch_count = ?",
            retries,
        )
        return self._connection.total_changes() - before

    def newest(self, seqs: Sequence[int], attempt: int) -> set[int]:
        found = self.execute(f"SELECT seq FROM tasks WHERE seq {IN} AND dispatch_count = ?", (numbers(seqs), attempt))
        return {seq for (seq,) in found}

    def count_newest(self, seqs: Sequence[int], attempt: int) -> int:
        (there,) = self.execute(
            f"SELECT count(*) FROM tasks WHERE seq {IN} AND dispatch_count = ?", (numbers(seqs), attempt)
        ).fetchone()
        return int(there)

    def delete_newest(self, seqs: Sequence[int], attempt: int) -> int:
        self.execute(f"DELETE FROM tasks WHERE seq {IN} AND dispatch_count = ?", (numbers(seqs), attempt))
        return self._connection.changes()

    def existing(self, seqs: Sequence[int]) -> set[int]:
        return {seq for (seq,) in self.execute(f"SELECT seq FROM tasks WHERE seq {IN}", (numbers(seqs),))}

    def drop_bodies(self, seqs: Sequence[int]) -> None:
        if seqs:
            self.execute(f"DELETE FROM bodies WHERE task {IN}", (numbers(seqs),))

    def remove(self, generation: int, task_ids: Sequence[str]) -> list[str]:
        (found,) = self.execute(
            f"SELECT json_group_array(json_array(seq, id, body IS NULL)) FROM tasks WHERE generation = ? AND id {IN}",
            (generation, texts(task_ids)),
        ).fetchone()
        there = removable_rows(found)
        if there:
            self.execute(f"DELETE FROM tasks WHERE seq {IN}", (numbers([seq for seq, _, _ in there]),))
            self.drop_bodies([seq for seq, _, apart in there if apart])
        return [task_id for _, task_id, _ in there]

    def entomb(self, graves: Sequence[Grave]) -> None:
        filled = [grave for grave in graves if grave.task_ids]
        if len(filled) == 1:
            queue, until, task_ids = filled[0]
            self.execute(
                "INSERT OR REPLACE INTO tombstones (queue, id, until) SELECT ?, value, ? FROM carray(?)",
                (queue, until, texts(task_ids)),
            )
        elif filled:
            self.execute(
                "INSERT OR REPLACE INTO tombstones (queue, id, until)"
                " SELECT grave.value ->> 0, task.value, grave.value ->> 1"
                " FROM json_each(?) AS grave, json_each(grave.value, '$[2]') AS task",
                (json_rows(filled),),
            )

    def last_leases(self, now: int, limit: int) -> Sequence[Row]:
        found: Sequence[Row] = self.execute(
            f"SELECT {_TASK_OF_QUEUE}, queues.name FROM tasks {_QUEUE_OF_TASK.format(left='')}"
            " WHERE last_lease IS NOT NULL AND schedule_time <= ? LIMIT ?",
            (now, limit),
        ).fetchall()
        return found

    def ages(self, after: int, limit: int) -> Sequence[tuple[int, str, int, str | None]]:
        found: Sequence[tuple[int, str, int, str | None]] = self.execute(
            "SELECT tasks.seq, tasks.id, tasks.create_time, queues.name"
            f" FROM tasks {_QUEUE_OF_TASK.format(left='LEFT')} WHERE seq > ? ORDER BY seq LIMIT ?",
            (after, limit),
        ).fetchall()
        return found

    # The rest

    def put_document(self, kind: str, name: str, value: bytes, expires: int | None) -> None:
        self.execute(
            "INSERT OR REPLACE INTO documents (kind, name, value, expires) VALUES (?, ?, ?, ?)",
            (kind, name, value, expires),
        )

    def drop_document(self, kind: str, name: str) -> None:
        self.execute("DELETE FROM documents WHERE kind = ? AND name = ?", (kind, name))

    def release(self, now: int, limit: int) -> Sequence[Row]:
        self.execute("UPDATE queues SET in_flight = 0 WHERE in_flight <> 0")
        lost: Sequence[Row] = self.execute(
            f"SELECT {_TASK_OF_QUEUE}, queues.name FROM tasks {_QUEUE_OF_TASK.format(left='LEFT')}"
            " WHERE dispatched_at IS NOT NULL LIMIT ?",
            (limit,),
        ).fetchall()
        if lost:
            self.execute(
                f"UPDATE tasks SET dispatched_at = NULL, schedule_time = min(schedule_time, ?) WHERE seq {IN}",
                (now, numbers([row[0] for row in lost])),
            )
        return lost

    def closed_generation(self) -> tuple[int, int, int] | None:
        row: tuple[int, int, int] | None = self.execute(
            "SELECT id, queue, tombstones_until FROM generations WHERE tombstones_until IS NOT NULL LIMIT 1"
        ).fetchone()
        return row

    def empty_generation(self, generation: int, limit: int) -> list[str]:
        gone = self.execute(
            "DELETE FROM tasks WHERE seq IN (SELECT seq FROM tasks WHERE generation = ? LIMIT ?)"
            " RETURNING id, seq, body IS NULL",
            (generation, limit),
        ).fetchall()
        self.drop_bodies([seq for _, seq, apart in gone if apart])
        return [task_id for task_id, _, _ in gone]

    def drop_generation(self, generation: int) -> None:
        self.execute("DELETE FROM generations WHERE id = ?", (generation,))

    def clear_spent(self, now: int, limit: int) -> bool:
        left = False
        for table, key, column in (
            ("tombstones", "queue, id", "until"),
            ("reserved_names", "name", "until"),
            ("documents", "kind, name", "expires"),
        ):
            gone = self.execute(
                f"DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {column} <= ? LIMIT ?)"
                " RETURNING 1",
                (now, limit),
            ).fetchall()
            left |= len(gone) == limit
        return left

    def reset(self) -> None:
        for table in TABLES:
            self.execute(f"DELETE FROM {table}")


def _digits(flow: Row) -> Row:
    """``rows.flow_columns`` with bytes as hexadecimal digits, for JSON."""
    return [column.hex() if isinstance(column, bytes) else column for column in flow]
