"""Claims as the scheduler makes them, of one queue."""

from __future__ import annotations

from datetime import datetime

from tidegate.core.task import Task
from tidegate.engine.ports.store import StoredQueue, Transaction

NO_LIMIT = 2**40


def claim(tx: Transaction, stored: StoredQueue, now: datetime, limit: int, bulk: int | None = None) -> list[Task]:
    """Take the first due tasks and mark them as dispatched."""
    (tasks,) = tx.due_tasks([(stored, limit)], now)
    if any(task.bulk for task in tasks):
        tasks = tx.fitting(tasks, NO_LIMIT if bulk is None else bulk)
    tx.mark_dispatched(tasks, now)
    return tasks
