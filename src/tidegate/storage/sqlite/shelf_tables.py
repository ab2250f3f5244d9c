"""Kept attempts and dead tasks in SQLite."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any, Final

from tidegate.storage.shelf_rows import first_of
from tidegate.storage.shelf_tables import AttemptRow, CountsRow, DeadRow, Shelf
from tidegate.storage.sqlite.arrays import IN, json_rows, numbers, texts

ROWS_PER_INSERT: Final = 64
"""Rows of one multi-row VALUES at most. What is left of a batch goes in halves of that, so that there are seven
statements in all: prepared anew for each number of rows they cost a quarter more.
"""

LOOK_AT: Final = 256
"""Rows looked at in one step for those that have to go."""

_BARE: Final = "id, task, expires, size, record, x'', x''"
_WITH_ATTEMPTS: Final = "id, task, expires, size, record, x'', attempts"


@cache
def _insert(attempts: int) -> str:
    rows = ", ".join(["(?, ?, ?, ?, ?)"] * attempts)
    return f"INSERT INTO attempts (generation, task, number, expires, record) VALUES {rows}"


class SqliteShelfReadTables:
    """``shelf_tables.ShelfReadTables``."""

    execute: Callable[..., Any]

    def attempts(
        self, generation: int, task: str | None, before: int | None, limit: int
    ) -> Sequence[tuple[int, str, bytes]]:
        of_task, tasks = ("", ()) if task is None else (" AND task = ?", (task,))
        until, befores = ("", ()) if before is None else (" AND id < ?", (before,))
        found: Sequence[tuple[int, str, bytes]] = self.execute(
            f"SELECT id, task, record FROM attempts WHERE generation = ?{of_task}{until} ORDER BY id DESC LIMIT ?",
            (generation, *tasks, *befores, limit),
        ).fetchall()
        return found

    def dead(self, queue: int, before: int | None, after: int | None, limit: int) -> Sequence[DeadRow]:
        if after is not None:
            return self._dead(_BARE, "queue = ? AND id > ? ORDER BY id LIMIT ?", (queue, after, limit))
        if before is not None:
            return self._dead(_BARE, "queue = ? AND id < ? ORDER BY id DESC LIMIT ?", (queue, before, limit))
        return self._dead(_BARE, "queue = ? ORDER BY id DESC LIMIT ?", (queue, limit))

    def dead_by_id(self, queue: int, dead_ids: Sequence[int], *, whole: bool) -> Sequence[DeadRow]:
        columns = ", ".join(DeadRow._fields) if whole else _BARE
        return self._dead(columns, f"queue = ? AND id {IN} ORDER BY id", (queue, numbers(dead_ids)))

    def dead_of(self, queue: int, task: str, limit: int) -> Sequence[DeadRow]:
        return self._dead(_WITH_ATTEMPTS, "queue = ? AND task = ? ORDER BY id DESC LIMIT ?", (queue, task, limit))

    def dead_with_attempts(self, queue: int, up_to: int | None, limit: int) -> Sequence[DeadRow]:
        until, ends = ("", ()) if up_to is None else (" AND id <= ?", (up_to,))
        return self._dead(_WITH_ATTEMPTS, f"queue = ?{until} ORDER BY id DESC LIMIT ?", (queue, *ends, limit))

    def shelf(self, queue: int) -> Shelf:
        row = self.execute("SELECT tasks, size FROM shelves WHERE queue = ?", (queue,)).fetchone()
        return Shelf(0, 0) if row is None else Shelf(*row)

    def shelves(self, queues: Sequence[int]) -> dict[int, Shelf]:
        found = self.execute(f"SELECT queue, tasks, size FROM shelves WHERE queue {IN}", (numbers(queues),))
        return {queue: Shelf(tasks, size) for queue, tasks, size in found}

    def _dead(self, columns: str, where: str, values: tuple[Any, ...]) -> list[DeadRow]:
        found = self.execute(f"SELECT {columns} FROM dead_tasks WHERE {where}", values)
        return [DeadRow(*row) for row in found]


class SqliteShelfTables(SqliteShelfReadTables):
    """``shelf_tables.ShelfTables``."""

    # Attempts

    def insert_attempts(self, rows: Sequence[AttemptRow]) -> None:
        start, count = 0, ROWS_PER_INSERT
        while left := len(rows) - start:
            while count > left:
                count //= 2
            self.execute(_insert(count), list(chain.from_iterable(rows[start : start + count])))
            start += count

    def add_attempts_size(self, more: Mapping[int, int]) -> Mapping[int, int]:
        found = self.execute(
            "UPDATE generations SET attempts_size = attempts_size + (more.value ->> 1)"
            " FROM json_each(?) AS more WHERE generations.id = more.value ->> 0 RETURNING id, attempts_size",
            (json_rows(list(more.items())),),
        ).fetchall()
        return dict(found)

    def drop_attempts(self, generation: int, tasks: Sequence[str]) -> int:
        return self._drop_attempts(f"generation = ? AND task {IN}", (generation, texts(tasks)))

    def drop_outdated_attempts(self, generation: int, task: str, number: int) -> int:
        return self._drop_attempts("generation = ? AND task = ? AND number <= ?", (generation, task, number))

    def drop_oldest_attempts(self, generation: int, size: int) -> int:
        freed = 0
        while freed < size:
            last, going = self.execute(
                "SELECT coalesce(min(id) FILTER (WHERE so_far >= ?1), max(id)),"
                " coalesce(min(so_far) FILTER (WHERE so_far >= ?1), max(so_far)) FROM"
                " (SELECT id, sum(length(record)) OVER (ORDER BY id) AS so_far FROM"
                " (SELECT id, record FROM attempts WHERE generation = ?2 ORDER BY id LIMIT ?3))",
                (size - freed, generation, LOOK_AT),
            ).fetchone()
            if last is None:
                break
            self.execute("DELETE FROM attempts WHERE generation = ? AND id <= ?", (generation, last))
            freed += going
        return freed

    def expire_attempts(self, generation: int, tasks: Sequence[str], expires: int) -> None:
        self.execute(
            f"UPDATE attempts SET expires = ? WHERE generation = ? AND task {IN} AND expires IS NULL",
            (expires, generation, texts(tasks)),
        )

    def take_attempts(self, generation: int, tasks: Sequence[str]) -> Sequence[tuple[str, bytes]]:
        found = self.execute(
            f"SELECT id, task, record FROM attempts WHERE generation = ? AND task {IN} ORDER BY id",
            (generation, texts(tasks)),
        ).fetchall()
        if found:
            self.execute(f"DELETE FROM attempts WHERE id {IN}", (numbers([row[0] for row in found]),))
        return [(task, record) for _, task, record in found]

    def empty_attempts(self, generation: int, limit: int) -> int:
        gone = self.execute(
            "DELETE FROM attempts WHERE id IN (SELECT id FROM attempts WHERE generation = ? LIMIT ?) RETURNING 1",
            (generation, limit),
        ).fetchall()
        return len(gone)

    # Dead tasks

    def insert_dead(self, queue: int, rows: Sequence[DeadRow]) -> None:
        for row in rows:
            self.execute(
                "INSERT INTO dead_tasks (queue, task, expires, size, record, body, attempts)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (queue, row.task, row.expires, row.size, row.record, row.body, row.attempts),
            )

    def add_to_shelf(self, queue: int, tasks: int, size: int) -> Shelf:
        row = self.execute(
            "INSERT INTO shelves (queue, tasks, size) VALUES (?, ?, ?)"
            " ON CONFLICT (queue) DO UPDATE SET tasks = tasks + excluded.tasks, size = size + excluded.size"
            " RETURNING tasks, size",
            (queue, tasks, size),
        ).fetchall()
        return Shelf(*row[0])

    def drop_oldest_dead(self, queue: int, tasks: int, size: int) -> Shelf:
        gone = freed = 0
        while gone < tasks or freed < size:
            oldest = self.execute(
                "SELECT id, size FROM dead_tasks WHERE queue = ? ORDER BY id LIMIT ?", (queue, LOOK_AT)
            ).fetchall()
            going, freed = first_of(oldest, tasks - gone, size - freed, freed)
            if not going:
                break
            gone += len(going)
            self.execute(f"DELETE FROM dead_tasks WHERE id {IN}", (numbers(going),))
        return Shelf(gone, freed)

    def drop_dead(self, queue: int, dead_ids: Sequence[int]) -> Shelf:
        gone = self.execute(
            f"DELETE FROM dead_tasks WHERE queue = ? AND id {IN} RETURNING size", (queue, numbers(dead_ids))
        ).fetchall()
        return Shelf(len(gone), sum(size for (size,) in gone))

    def free_task_names(self, queue: int, tasks: Sequence[str]) -> None:
        self.execute(f"DELETE FROM tombstones WHERE queue = ? AND id {IN}", (queue, texts(tasks)))

    def restore_counts(self, generation: int, rows: Sequence[CountsRow]) -> None:
        for row in rows:
            self.execute(
                "UPDATE tasks SET dispatch_count = ?, response_count = ?, answer_count = ?, first_dispatch_at = ?,"
                " last_attempt = ? WHERE id = ? AND generation = ?",
                (*row, generation),
            )

    def drop_shelf(self, queue: int) -> None:
        self.execute("UPDATE shelves SET dropped = 1 WHERE queue = ?", (queue,))

    def clear_shelves(self, now: int, limit: int) -> bool:
        spent = self.execute(
            "DELETE FROM attempts WHERE id IN (SELECT id FROM attempts WHERE expires <= ? LIMIT ?)"
            " RETURNING generation, length(record)",
            (now, limit),
        ).fetchall()
        if spent:
            freed: Counter[int] = Counter()
            for generation, size in spent:
                freed[generation] -= size
            self.add_attempts_size(freed)
        dead = self.execute(
            "DELETE FROM dead_tasks WHERE id IN (SELECT id FROM dead_tasks WHERE expires <= ? LIMIT ?)"
            " RETURNING queue, size",
            (now, limit),
        ).fetchall()
        for queue, size in dead:
            self.add_to_shelf(queue, -1, -size)
        return len(spent) == limit or len(dead) == limit or self._clear_dropped(limit)

    def _clear_dropped(self, limit: int) -> bool:
        """Delete some of a dropped shelf; True if there was one."""
        row = self.execute("SELECT queue FROM shelves WHERE dropped IS NOT NULL LIMIT 1").fetchone()
        if row is None:
            return False
        gone = self.execute(
            "DELETE FROM dead_tasks WHERE id IN (SELECT id FROM dead_tasks WHERE queue = ? LIMIT ?) RETURNING 1",
            (row[0], limit),
        ).fetchall()
        if len(gone) < limit:
            self.execute("DELETE FROM shelves WHERE queue = ?", row)
        return True

    def _drop_attempts(self, where: str, values: tuple[Any, ...]) -> int:
        gone = self.execute(f"DELETE FROM attempts WHERE {where} RETURNING length(record)", values).fetchall()
        return sum(size for (size,) in gone)
