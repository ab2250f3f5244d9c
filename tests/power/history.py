"""Histories: what a client does to a store, one transaction after the other, from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.storage.claims import claim, record

from tidegate.core.bucket import Flow
from tidegate.core.dead_letters import DeathReason
from tidegate.core.lifecycle import Gone, Outcome, judge
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue
from tidegate.core.queue_options import Keeping
from tidegate.core.task import HttpRequest, Task
from tidegate.engine.dead_letters import revive
from tidegate.engine.ports.store import Reader, StoredQueue, Transaction, Verdict
from tidegate.engine.shelving import Shelving

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
QUEUES = [QueueName.of("p", "l", name) for name in ("a", "b")]

Step = Callable[[Transaction], None]


def history(seed: int, length: int) -> list[Step]:
    """Steps that may run in any store, each one transaction, each the same whenever it runs after the same others."""
    dice = random.Random(seed)
    return [_step(random.Random(dice.random()), number) for number in range(length)]


def _step(dice: random.Random, number: int) -> Step:
    kinds = [_add] * 5 + [_claim] * 4 + [_remove, _purge, _remake, _document, _sweep, _die, _die, _revive]
    kind = dice.choice(kinds)
    now = NOON + number * SECOND
    name = dice.choice(QUEUES)
    # The dice of a step start anew each time it runs, so that it does the same in every store.
    state = dice.getstate()

    def step(tx: Transaction) -> None:
        own = random.Random()
        own.setstate(state)
        stored = tx.queue(name)
        if stored is None:
            queue = Queue(name=name)
            stored = tx.add_queue(queue, Flow.fresh(queue.rate_limits, now))
        kind(tx, stored, own, now, number)

    return step


def _add(tx: Transaction, stored: StoredQueue, dice: random.Random, now: datetime, number: int) -> None:
    tasks = [
        Task(
            name=stored.queue.name.task(f"t{number}-{each}"),
            target=HttpRequest("http://handler.test/"),
            schedule_time=now,
            create_time=now,
            body=dice.randbytes(dice.choice([0, 100, 5000])),
        )
        for each in range(dice.randint(1, 5))
    ]
    tx.add_tasks(stored, tasks)


def _claim(tx: Transaction, stored: StoredQueue, dice: random.Random, now: datetime, number: int) -> None:
    claimed = claim(tx, stored, now, dice.randint(1, 4))
    verdicts = []
    for task in claimed:
        judgement = judge(task, stored.queue, Outcome(http_status=dice.choice([200, 200, 500])), now)
        verdicts.append(Verdict(task, None if isinstance(judgement, Gone) else judgement.task))
    record(tx, stored, verdicts, now + HOUR)


def _remove(tx: Transaction, stored: StoredQueue, dice: random.Random, now: datetime, number: int) -> None:
    there = tx.tasks(stored, "", 5, body=False)
    tx.remove(stored, [task.name.task for task in there if dice.random() < 0.5], now + HOUR)


def _die(tx: Transaction, stored: StoredQueue, dice: random.Random, now: datetime, number: int) -> None:
    tasks = [task for task in tx.tasks(stored, "", 5, body=True) if dice.random() < 0.5]
    Shelving(Keeping(dead_tasks=7, dead_bytes=20_000)).bury(tx, stored, tasks, DeathReason.TTL, now)


def _revive(tx: Transaction, stored: StoredQueue, dice: random.Random, now: datetime, number: int) -> None:
    wanted = [(dead.id, now) for dead in tx.dead_tasks(stored, 5, after=0) if dice.random() < 0.7]
    revive(tx, stored, stored, wanted, now, keep_counts=dice.random() < 0.5)


def _purge(tx: Transaction, stored: StoredQueue, dice: random.Random, now: datetime, number: int) -> None:
    tx.purge(stored, stored.queue, now + HOUR)


def _remake(tx: Transaction, stored: StoredQueue, dice: random.Random, now: datetime, number: int) -> None:
    tx.delete_queue(stored, now)


def _document(tx: Transaction, stored: StoredQueue, dice: random.Random, now: datetime, number: int) -> None:
    tx.put_document("policy", stored.queue.name, dice.randbytes(20))


def _sweep(tx: Transaction, stored: StoredQueue, dice: random.Random, now: datetime, number: int) -> None:
    tx.clear(now, 3)


TABLES = (
    *("queues", "generations", "tasks", "bodies", "tombstones", "reserved_names", "documents"),
    *("attempts", "dead_tasks", "shelves"),
)


def state(tx: Reader) -> dict[str, list[tuple[Any, ...]]]:
    """Everything a store holds, table by table."""
    execute: Callable[..., Any] = tx.tables.execute  # type: ignore[attr-defined]
    return {table: execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in TABLES}
