"""Tasks of one queue taken as the engine takes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tidegate.core.lease import LeaseFilter
from tidegate.core.task import Task
from tidegate.engine import claims, leases
from tidegate.engine.body_budget import BodyBudget
from tidegate.engine.janitor import Walk, sweep
from tidegate.engine.ports.store import EndedAttempts, Store, StoredQueue, Transaction, Verdict

ANY = LeaseFilter()


class Room(BodyBudget):
    """A budget that has so much room for every queue."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room = room

    def room(self, queue: object) -> int:
        return self._room


def claim(tx: Transaction, stored: StoredQueue, now: datetime, limit: int, bulk: int | None = None) -> list[Task]:
    """Take the first due tasks and mark them as dispatched, whatever the limits of their queue."""
    (due,) = tx.due_tasks([(stored, limit)], now)
    tasks = due.tasks if bulk is None else claims._fitting(due, stored.queue.name, Room(bulk))
    started = [task.dispatched(now) for task in tx.with_bodies(tasks)]
    tx.mark_dispatched(started, now)
    return started


def force(tx: Transaction, stored: StoredQueue, task_id: str, now: datetime) -> Task:
    """Start an attempt of a task, even beside another one."""
    task = tx.task(stored, task_id, body=True)
    assert task is not None
    forced = task.dispatched(now)
    tx.mark_dispatched([forced], now)
    return forced


def record(tx: Transaction, stored: StoredQueue, verdicts: Sequence[Verdict], until: datetime) -> list[Verdict]:
    """Record ended attempts; the names of tasks that are gone stay taken until then. Returns what did not count."""
    return tx.ended([EndedAttempts(stored, verdicts, len(verdicts), until, until)])


def lease(
    tx: Transaction,
    stored: StoredQueue,
    now: datetime,
    until: datetime,
    wanted: LeaseFilter = ANY,
    limit: int = 10,
) -> list[Task]:
    """Lease tasks as a worker does."""
    return leases.lease(tx, stored, wanted, limit, now, until).tasks


async def clear_away(store: Store, now: datetime, limit: int) -> None:
    """Sweep, so many rows at a time, until nothing is left to do."""
    walk, more = Walk(), True
    while more:
        swept = await store.write(lambda tx, walk=walk: sweep(tx, walk, now, limit))  # type: ignore[misc]
        walk, more = swept.walk, swept.more
