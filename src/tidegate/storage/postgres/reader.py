"""The engine's questions, asked of PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from tidegate.core.names import QueueName
from tidegate.core.times import moment
from tidegate.engine.ports.store import StoredQueue, Tally
from tidegate.storage.postgres.read_tables import PostgresReadTables
from tidegate.storage.reading import LAST_CHARACTER, StoreReader


class PostgresReader(StoreReader):
    """``ports.Reader``. Counts are those of the database and what this node has not yet added to them."""

    tables: PostgresReadTables  # type: ignore[assignment]  # what is not there is not asked for here

    def __init__(self, tables: PostgresReadTables) -> None:
        super().__init__(tables)  # type: ignore[arg-type]

    def queue(self, name: QueueName) -> StoredQueue | None:
        row = self.tables.queue_row(str.__str__(name))
        return None if row is None else row.stored()

    def queues(self, parent: str, after: str, limit: int) -> list[StoredQueue]:
        found = self.tables.queue_rows(f"{parent}/queues/{after}", f"{parent}/queues0", limit)
        return [row.stored() for row in found]

    def queues_under(self, under: str, after: str, limit: int) -> list[StoredQueue]:
        found = self.tables.queue_rows(max(under, after), under + LAST_CHARACTER, limit)
        return [row.stored() for row in found]

    def next_due(self, queues: Sequence[StoredQueue]) -> list[datetime | None]:
        if not queues:
            return []
        found = self.tables.next_due_by_queue([queue.id for queue in queues])
        return [None if (due := found.get(queue.id)) is None else moment(due) for queue in queues]

    def tallies(self, queues: Sequence[StoredQueue]) -> list[Tally]:
        if not queues:
            return []
        counts = self.tables.counts([queue.key for queue in queues])
        own = self.tables.ledger.counts
        return [
            Tally(max(0, counts.get(queue.key, 0) + own[queue.key]), due)
            for queue, due in zip(queues, self.next_due(queues), strict=True)
        ]

    def backlog(
        self, wanted: Callable[[QueueName], bool] | None = None, *, whole: bool = False
    ) -> list[tuple[StoredQueue, datetime]]:
        """And what is found before a queue's head is remembered: the next claim begins there."""
        found = self.tables.backlog_rows(whole=whole)
        self.tables.ledger.heads.are_behind([row.id for row, due in found if due < row.head])
        return [(row.stored(), moment(due)) for row, due in found if wanted is None or wanted(QueueName(row.name))]
