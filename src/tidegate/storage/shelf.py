"""The engine's questions and changes about kept attempts and dead tasks, in a database's tables."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime

from tidegate.core.dead_letters import DeadTask
from tidegate.core.task import Task
from tidegate.core.times import micros
from tidegate.engine.ports.shelf import KeptAttempt, ShelfTally, StoredAttempt
from tidegate.engine.ports.store import StoredQueue
from tidegate.storage import shelf_rows
from tidegate.storage.shelf_tables import AttemptRow, DeadRow, ShelfReadTables, ShelfTables

EMPTY = ShelfTally()


class StoreShelfReader:
    """``ports.ShelfReader``."""

    tables: ShelfReadTables

    def attempts(
        self, queue: StoredQueue, task_id: str | None, before: int | None, limit: int
    ) -> Sequence[StoredAttempt]:
        return [shelf_rows.stored_attempt(row) for row in self.tables.attempts(queue.key, task_id, before, limit)]

    def dead_tasks(
        self, queue: StoredQueue, limit: int, *, before: int | None = None, after: int | None = None
    ) -> Sequence[DeadTask]:
        return _dead_tasks(queue, self.tables.dead(queue.id, before, after, limit))

    def dead_tasks_by_id(self, queue: StoredQueue, dead_ids: Sequence[int], *, whole: bool) -> Sequence[DeadTask]:
        return _dead_tasks(queue, self.tables.dead_by_id(queue.id, dead_ids, whole=whole)) if dead_ids else []

    def dead_tasks_of(self, queue: StoredQueue, task_id: str, limit: int) -> Sequence[DeadTask]:
        return _dead_tasks(queue, self.tables.dead_of(queue.id, task_id, limit))

    def dead_tasks_with_attempts(self, queue: StoredQueue, up_to: int | None, limit: int) -> Sequence[DeadTask]:
        return _dead_tasks(queue, self.tables.dead_with_attempts(queue.id, up_to, limit))

    def shelf(self, queue: StoredQueue) -> ShelfTally:
        return ShelfTally(*self.tables.shelf(queue.id))

    def shelves(self, queues: Sequence[StoredQueue]) -> list[ShelfTally]:
        found = self.tables.shelves([queue.id for queue in queues]) if queues else {}
        return [ShelfTally(*found[queue.id]) if queue.id in found else EMPTY for queue in queues]


class StoreShelf(StoreShelfReader):
    """``ports.ShelfTransaction``."""

    tables: ShelfTables
    has_room: Callable[[], bool]
    """Whether the disk has room for anything new."""

    # Attempts

    def keep_attempts(self, attempts: Sequence[KeptAttempt], size_max: int) -> None:
        if not attempts or not self.has_room():
            return
        rows: list[AttemptRow] = []
        more: Counter[int] = Counter()
        encode = shelf_rows.attempt_record
        ends: datetime | None = None
        until: int | None = None
        for each in attempts:
            if each.until is not ends:  # which many have in common
                ends = each.until
                until = None if ends is None else micros(ends)
            generation, kept = each.queue.key, each.record
            record = encode(kept)
            rows.append((generation, each.task_id, kept.number, until, record))
            more[generation] += len(record)
            if each.outdated > 0:
                more[generation] -= self.tables.drop_outdated_attempts(generation, each.task_id, each.outdated)
        self.tables.insert_attempts(rows)
        sizes = self.tables.add_attempts_size(more)
        freed = {
            generation: -self.tables.drop_oldest_attempts(generation, size - size_max)
            for generation, size in sizes.items()
            if size > size_max
        }
        if freed:
            self.tables.add_attempts_size(freed)

    def end_attempts(self, queue: StoredQueue, task_ids: Sequence[str], until: datetime | None) -> None:
        if not task_ids:
            return
        if until is not None:
            self.tables.expire_attempts(queue.key, task_ids, micros(until))
            return
        freed = self.tables.drop_attempts(queue.key, task_ids)
        if freed:
            self.tables.add_attempts_size({queue.key: -freed})

    # Dead tasks

    def shelve(self, queue: StoredQueue, dead: Sequence[DeadTask], most: ShelfTally) -> set[str]:
        if not dead:
            return set()
        taken: defaultdict[str, list[bytes]] = defaultdict(list)
        freed = 0
        for task_id, record in self.tables.take_attempts(queue.key, [each.task.name.task for each in dead]):
            taken[task_id].append(record)
            freed += len(record)
        if freed:
            self.tables.add_attempts_size({queue.key: -freed})
        if not self.has_room():
            return set()
        rows = []
        for each in dead:
            own = [shelf_rows.attempt_record(record) for record in each.attempts]
            rows.append(shelf_rows.dead_row(each, [*taken[each.task.name.task], *own]))
        rows = [row for row in rows if row.size <= most.size]
        if not rows:
            return set()
        self.tables.insert_dead(queue.id, rows)
        holds = self.tables.add_to_shelf(queue.id, len(rows), sum(row.size for row in rows))
        if holds.tasks > most.tasks or holds.size > most.size:
            gone = self.tables.drop_oldest_dead(queue.id, holds.tasks - most.tasks, holds.size - most.size)
            self.tables.add_to_shelf(queue.id, -gone.tasks, -gone.size)
        return {row.task for row in rows}

    def drop_dead(self, queue: StoredQueue, dead_ids: Sequence[int]) -> int:
        gone = self.tables.drop_dead(queue.id, dead_ids) if dead_ids else None
        if gone is None or not gone.tasks:
            return 0
        self.tables.add_to_shelf(queue.id, -gone.tasks, -gone.size)
        return gone.tasks

    def free_task_names(self, queue: StoredQueue, task_ids: Sequence[str]) -> None:
        if task_ids:
            self.tables.free_task_names(queue.id, task_ids)

    def restore_counts(self, queue: StoredQueue, tasks: Sequence[Task]) -> None:
        if tasks:
            self.tables.restore_counts(queue.key, [shelf_rows.counts_row(task) for task in tasks])


def _dead_tasks(queue: StoredQueue, rows: Sequence[DeadRow]) -> list[DeadTask]:
    return [shelf_rows.dead_task(queue.queue.name, row) for row in rows]
