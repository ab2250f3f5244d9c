"""What can be looked up in PostgreSQL, over one open transaction of one connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tidegate.storage.postgres import statements as sql
from tidegate.storage.postgres.cursor import Statements
from tidegate.storage.postgres.ledger import Ledger
from tidegate.storage.postgres.queue_row import QueueRow
from tidegate.storage.postgres.shelf_tables import PostgresShelfReadTables
from tidegate.storage.rows import Row

NO_LIMIT: Final = 2**63 - 1
"""No place in line is behind it."""


class PostgresReadTables(PostgresShelfReadTables):
    """``tables.ReadTables``; a queue's rows come as ``QueueRow``."""

    def __init__(self, ledger: Ledger) -> None:
        self.on = Statements()
        self.ledger = ledger

    def queue_row(self, name: str) -> QueueRow | None:
        row = self.on.row(sql.QUEUE, (name,))
        return None if row is None else QueueRow(*row)

    def queue_rows_by_name(self, names: Sequence[str]) -> list[QueueRow]:
        return [QueueRow(*row) for row in self.on.rows(sql.QUEUES_BY_NAME, (list(names),))]

    def queue_rows(self, after: str, before: str, limit: int) -> list[QueueRow]:
        return [QueueRow(*row) for row in self.on.rows(sql.QUEUES, (after, before, limit))]

    def first_queue_name(self, after: str, before: str) -> str | None:
        row = self.on.row(sql.FIRST_QUEUE_NAME, (after, before))
        return None if row is None else row[0]

    def is_reserved(self, name: str, now: int) -> bool:
        return self.on.row(sql.IS_RESERVED, (name, now)) is not None

    def task(self, generation: int, task_id: str, *, body: bool) -> Row | None:
        row: Row | None = self.on.row(sql.TASK_WITH_BODY if body else sql.TASK, (generation, task_id))
        return row

    def tasks(self, generation: int, after: str, limit: int, *, body: bool) -> Sequence[Row]:
        return self.on.rows(sql.TASKS_WITH_BODIES if body else sql.TASKS, (generation, after, limit))

    def tasks_in_line(
        self, generation: int, behind: tuple[int, int] | None, limit: int, *, latest_first: bool
    ) -> Sequence[Row]:
        start = (sql.LAST_PLACE if latest_first else sql.FIRST_PLACE, 0) if behind is None else behind
        return self.on.rows(sql.LINE_BACKWARDS if latest_first else sql.LINE, (generation, *start, limit))

    def leases(self, generation: int, task_ids: Sequence[str]) -> Sequence[tuple[str, int, int]]:
        return self.on.rows(sql.LEASES, (generation, list(task_ids)))

    def has_tasks(self, generation: int) -> bool:
        return self.on.row(sql.HAS_TASKS, (generation,)) is not None

    def entombed(self, queue: int, task_ids: Sequence[str], now: int) -> set[str]:
        values = {"queue": queue, "now": now, "ids": list(task_ids)}
        return {task_id for (task_id,) in self.on.rows(sql.ENTOMBED, values)}

    def living(self, generation: int, task_ids: Sequence[str]) -> set[str]:
        return {task_id for (task_id,) in self.on.rows(sql.LIVING, (generation, list(task_ids)))}

    def next_due_by_queue(self, queues: Sequence[int]) -> dict[int, int | None]:
        """The earliest place in line of a waiting task, by queue."""
        return dict(self.on.rows(sql.NEXT_DUE, (list(queues),)))

    def due_count(self, generation: int, now: int, most: int) -> int:
        return self._count(sql.DUE_COUNT, generation, now, most)

    def later_count(self, generation: int, now: int, most: int) -> int:
        return self._count(sql.LATER_COUNT, generation, now, most)

    def leased_count(self, generation: int, now: int, most: int) -> int:
        return self._count(sql.LEASED_COUNT, generation, now, most)

    def _count(self, statement: str, generation: int, now: int, most: int) -> int:
        row = self.on.row(statement, (generation, now, most))
        return 0 if row is None else int(row[0])

    def waiting_before(self, generation: int, schedule_time: int, seq: int, limit: int) -> Sequence[int]:  # noqa: ARG002
        """In the order of the line, where a task stands by its own ``due`` whatever its ``schedule_time`` says."""
        return sorted(due for (due,) in self.on.rows(sql.WAITING_BEFORE, (generation, seq, limit)))

    def counts(self, generations: Sequence[int]) -> dict[int, int]:
        """How many tasks each generation has, as the nodes counted them."""
        return dict(self.on.rows(sql.COUNTS, (list(generations),)))

    def backlog_rows(self, *, whole: bool) -> list[tuple[QueueRow, int]]:
        """Each queue in which tasks wait, with its first place in line, from its head on or of the ``whole`` line."""
        found = self.on.rows(sql.BACKLOG, (0 if whole else NO_LIMIT,))
        return [(QueueRow(*row), due) for due, *row in found]

    def document(self, kind: str, name: str, now: int) -> bytes | None:
        row = self.on.row(sql.DOCUMENT, (kind, name, now))
        return None if row is None else row[0]

    def documents(self, kind: str, after: str, before: str, limit: int, now: int) -> Sequence[tuple[str, bytes]]:
        return self.on.rows(sql.DOCUMENTS, (kind, after, before, now, limit))
