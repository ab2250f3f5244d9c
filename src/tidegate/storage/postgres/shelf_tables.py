"""Kept attempts and dead tasks in PostgreSQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from tidegate.storage.postgres import shelf_statements as sql
from tidegate.storage.postgres.cursor import Statements
from tidegate.storage.shelf_rows import first_of
from tidegate.storage.shelf_tables import AttemptRow, CountsRow, DeadRow, Shelf

LOOK_AT: Final = 64
"""Rows looked at in one step for those that have to go."""

NEWEST: Final = 2**63 - 1
"""An ID that none comes after."""


class PostgresShelfReadTables:
    """``shelf_tables.ShelfReadTables``."""

    on: Statements

    def attempts(
        self, generation: int, task: str | None, before: int | None, limit: int
    ) -> Sequence[tuple[int, str, bytes]]:
        until = NEWEST if before is None else before
        if task is None:
            return self.on.rows(sql.ATTEMPTS, (generation, until, limit))
        return self.on.rows(sql.ATTEMPTS_OF, (generation, task, until, limit))

    def dead(self, queue: int, before: int | None, after: int | None, limit: int) -> Sequence[DeadRow]:
        if after is not None:
            found = self.on.rows(sql.DEAD_AFTER, (queue, after, limit))
        else:
            found = self.on.rows(sql.DEAD_BEFORE, (queue, NEWEST if before is None else before, limit))
        return [DeadRow(*row) for row in found]

    def dead_by_id(self, queue: int, dead_ids: Sequence[int], *, whole: bool) -> Sequence[DeadRow]:
        statement = sql.WHOLE_DEAD if whole else sql.BARE_DEAD
        return [DeadRow(*row) for row in self.on.rows(statement, (queue, list(dead_ids)))]

    def dead_of(self, queue: int, task: str, limit: int) -> Sequence[DeadRow]:
        return [DeadRow(*row) for row in self.on.rows(sql.DEAD_OF, (queue, task, limit))]

    def dead_with_attempts(self, queue: int, up_to: int | None, limit: int) -> Sequence[DeadRow]:
        values = (queue, sql.LAST_ID if up_to is None else up_to, limit)
        return [DeadRow(*row) for row in self.on.rows(sql.DEAD_WITH_ATTEMPTS, values)]

    def shelf(self, queue: int) -> Shelf:
        row = self.on.row(sql.SHELF, (queue,))
        return Shelf(0, 0) if row is None else Shelf(*row)

    def shelves(self, queues: Sequence[int]) -> dict[int, Shelf]:
        found = self.on.rows(sql.SHELVES, (list(queues),))
        return {queue: Shelf(tasks, size) for queue, tasks, size in found}


class PostgresShelfTables(PostgresShelfReadTables):
    """``shelf_tables.ShelfTables``."""

    # Attempts

    def insert_attempts(self, rows: Sequence[AttemptRow]) -> None:
        if rows:
            self.on.write(sql.INSERT_ATTEMPTS, [list(column) for column in zip(*rows, strict=True)])

    def add_attempts_size(self, more: Mapping[int, int]) -> Mapping[int, int]:
        changed = sorted(more.items())  # all nodes in one order
        columns = [list(column) for column in zip(*changed, strict=True)]
        return dict(self.on.write_rows(sql.ADD_ATTEMPTS_SIZES, columns)) if changed else {}

    def drop_attempts(self, generation: int, tasks: Sequence[str]) -> int:
        return sum(size for (size,) in self.on.write_rows(sql.DROP_ATTEMPTS, (generation, list(tasks))))

    def drop_outdated_attempts(self, generation: int, task: str, number: int) -> int:
        return sum(size for (size,) in self.on.write_rows(sql.DROP_OUTDATED_ATTEMPTS, (generation, task, number)))

    def drop_oldest_attempts(self, generation: int, size: int) -> int:
        freed = 0
        while freed < size:
            going, freed = first_of(self.on.rows(sql.OLDEST_ATTEMPTS, (generation, LOOK_AT)), 0, size - freed, freed)
            if not going:
                break
            self.on.write(sql.DELETE_ATTEMPTS, (going,))
        return freed

    def expire_attempts(self, generation: int, tasks: Sequence[str], expires: int) -> None:
        self.on.write(sql.EXPIRE_ATTEMPTS, (expires, generation, list(tasks)))

    def take_attempts(self, generation: int, tasks: Sequence[str]) -> Sequence[tuple[str, bytes]]:
        found = sorted(self.on.write_rows(sql.TAKE_ATTEMPTS, (generation, list(tasks))))
        return [(task, record) for _, task, record in found]

    def empty_attempts(self, generation: int, limit: int) -> int:
        gone = self.on.write(sql.EMPTY_ATTEMPTS, (generation, limit))
        if gone < limit:
            self.on.write(sql.DROP_ATTEMPTS_SIZE, (generation,))
        return gone

    # Dead tasks

    def insert_dead(self, queue: int, rows: Sequence[DeadRow]) -> None:
        values = [(queue, *row[1:]) for row in rows]  # the database gives the IDs
        self.on.write(sql.INSERT_DEAD, [list(column) for column in zip(*values, strict=True)])

    def add_to_shelf(self, queue: int, tasks: int, size: int) -> Shelf:
        ((all_tasks, all_size),) = self.on.write_rows(sql.ADD_TO_SHELF, (queue, tasks, size))
        return Shelf(all_tasks, all_size)

    def drop_oldest_dead(self, queue: int, tasks: int, size: int) -> Shelf:
        gone = freed = 0
        while gone < tasks or freed < size:
            oldest = self.on.rows(sql.OLDEST_DEAD, (queue, LOOK_AT))
            going, freed = first_of(oldest, tasks - gone, size - freed, freed)
            if not going:
                break
            gone += len(going)
            self.on.write(sql.DELETE_DEAD, (going,))
        return Shelf(gone, freed)

    def drop_dead(self, queue: int, dead_ids: Sequence[int]) -> Shelf:
        gone = self.on.write_rows(sql.DROP_DEAD, (queue, list(dead_ids)))
        return Shelf(len(gone), sum(size for (size,) in gone))

    def free_task_names(self, queue: int, tasks: Sequence[str]) -> None:
        self.on.write(sql.FREE_TASK_NAMES, (queue, list(tasks)))

    def restore_counts(self, generation: int, rows: Sequence[CountsRow]) -> None:
        if rows:
            columns = [list(column) for column in zip(*rows, strict=True)]
            self.on.write(sql.RESTORE_COUNTS, (*columns, generation))

    def drop_shelf(self, queue: int) -> None:
        self.on.write(sql.DROP_SHELF, (queue,))

    def clear_shelves(self, now: int, limit: int) -> bool:
        spent = self.on.write_rows(sql.CLEAR_ATTEMPTS, (now, limit))
        freed: Counter[int] = Counter()
        for generation, size in spent:
            freed[generation] -= size
        self.add_attempts_size(freed)
        dead = self.on.write_rows(sql.CLEAR_DEAD, (now, limit))
        for queue, size in sorted(dead):
            self.add_to_shelf(queue, -1, -size)
        return len(spent) == limit or len(dead) == limit or self._clear_dropped(limit)

    def _clear_dropped(self, limit: int) -> bool:
        """Delete some of a dropped shelf; True if there was one."""
        row = self.on.row(sql.DROPPED_SHELF, ())
        if row is None:
            return False
        if self.on.write(sql.EMPTY_SHELF, (row[0], limit)) < limit:
            self.on.write(sql.DELETE_SHELF, row)
        return True
