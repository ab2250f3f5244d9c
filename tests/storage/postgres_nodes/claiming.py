"""Claims as the engine makes them, places and all."""

from __future__ import annotations

from tests.storage.claims import claim
from tests.storage.one_queue import NOON, QUEUE

from tidegate.core.task import Task
from tidegate.engine.ports.store import Transaction


def start(tx: Transaction, limit: int) -> list[Task]:
    """Claim as the engine does, places and all."""
    stored = tx.queue(QUEUE)
    assert stored is not None
    if not tx.held(QUEUE):
        return []
    tasks = claim(tx, stored, NOON, limit)
    _, flow = stored.flow.grant(len(tasks), stored.queue.rate_limits, NOON)
    tx.save_flows([(stored, flow)])
    return tasks


def in_flight(tx: Transaction) -> int:
    stored = tx.queue(QUEUE)
    assert stored is not None
    return stored.flow.in_flight
