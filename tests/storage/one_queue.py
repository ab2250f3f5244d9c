"""One queue with tasks in a store, and what is seen of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace
from tests.storage.claims import ANY, lease

from tidegate.core.bucket import Flow
from tidegate.core.lease import LeaseFilter
from tidegate.core.names import QueueName
from tidegate.core.queue import OidcToken, Queue
from tidegate.core.task import HttpRequest, PullMessage, Task
from tidegate.engine.ports.store import Store, StoredQueue, Tally, Transaction

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
QUEUE = QueueName.of("p", "us-central1", "q")


def queue(name: QueueName = QUEUE, **settings: Any) -> Queue:
    return Queue(name=name, **settings)


def task(task_id: str, due: datetime = NOON, body: bytes = b"hello", created: datetime = NOON) -> Task:
    target = HttpRequest("https://handler.test/", headers={"A": "b"}, token=OidcToken("a@b.test", "x"))
    return Task(
        name=QUEUE.task(task_id),
        target=target,
        schedule_time=due,
        create_time=created,
        dispatch_deadline=timedelta(minutes=10),
        body=body,
    )


async def made(store: Store, *tasks: Task, name: QueueName = QUEUE) -> StoredQueue:
    def work(tx: Transaction) -> StoredQueue:
        stored = tx.add_queue(queue(name), Flow.fresh(queue(name).rate_limits, NOON))
        tx.add_tasks(stored, tasks)
        return stored

    return await store.write(work)


async def current(store: Store) -> StoredQueue:
    stored = await store.read(lambda tx: tx.queue(QUEUE))
    assert stored is not None
    return stored


def ids(tasks: list[Task]) -> list[str]:
    return [each.name.task for each in tasks]


async def listed(store: Store) -> list[str]:
    return ids(await store.read(lambda tx: tx.tasks(queue_of(tx), "", 100, body=False)))


def queue_of(tx: Any) -> StoredQueue:
    stored = tx.queue(QUEUE)
    assert stored is not None
    return stored  # type: ignore[no-any-return]


def pull_task(task_id: str, due: datetime = NOON, body: bytes = b"", tag: str = "") -> Task:
    return Task(name=QUEUE.task(task_id), target=PullMessage(tag), schedule_time=due, create_time=NOON, body=body)


async def leased(
    store: Store, wanted: LeaseFilter = ANY, limit: int = 10, now: datetime = NOON, until: datetime | None = None
) -> list[Task]:
    stored = await current(store)
    return await store.write(lambda tx: lease(tx, stored, now, until or now + HOUR, wanted, limit))


async def tallied(store: Store) -> Tally:
    stored = await current(store)
    (tally,) = await store.read(lambda tx: tx.tallies([stored]))
    return tally


def without_key(found: Task | None) -> Task | None:
    return None if found is None else replace(found, key=None)


def sibling(name: str) -> QueueName:
    return QueueName(QUEUE.rpartition("/")[0] + f"/{name}")
