"""Attempts of a process that is no more: their tasks are due again, and that they were under way is kept."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from tidegate.core.attempt_record import ATTEMPTS_SIZE_MAX
from tidegate.core.task import Task
from tidegate.engine.ports.shelf import KeptAttempt
from tidegate.engine.ports.store import Store, StoredQueue, Transaction
from tidegate.engine.shelving import Shelving

RELEASED_AT_ONCE = 500
"""Attempts that are released in one transaction."""


async def release_attempts(store: Store, node: int, now: datetime, shelving: Shelving) -> None:
    """Release all that a node had under way, which is no more. Nobody knows how these attempts ended: where a queue
    keeps attempts, they are kept as UNKNOWN. Raises StoreError; some may be released then.
    """
    while await store.write(partial(release_some, node, now, shelving)):
        pass


def release_some(node: int, now: datetime, shelving: Shelving, tx: Transaction) -> bool:
    """Release some of them; True when more are left."""
    released = tx.release(node, now, RELEASED_AT_ONCE)
    by_queue: dict[int, tuple[StoredQueue, list[Task]]] = {}
    for stored, task in released.attempts:
        by_queue.setdefault(stored.id, (stored, []))[1].append(task)
    kept: list[KeptAttempt] = []
    for stored, tasks in by_queue.values():
        kept += shelving.lost(tx, stored, tasks, now)
    tx.keep_attempts(kept, ATTEMPTS_SIZE_MAX)
    return released.left
