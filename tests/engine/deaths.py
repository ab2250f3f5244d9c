"""Tasks that are tried and given up, and what is seen of them."""

from __future__ import annotations

from datetime import datetime

from tests.engine.worlds import MINUTE, Hands

from tidegate.core.dead_letters import DeadTask
from tidegate.core.errors import ApiError, Code
from tidegate.core.lifecycle import Outcome
from tidegate.core.names import QueueName
from tidegate.core.queue import Kind, Queue, RetryConfig
from tidegate.core.validation import HttpDraft, TaskDraft, check_task
from tidegate.engine.dead_letters import Revival, revive
from tidegate.engine.ports.shelf import ShelfTally
from tidegate.engine.ports.store import Reader, StoredQueue, Transaction

QUEUE = QueueName.of("p", "l", "q")
OTHER = QueueName.of("p", "l", "other")
ONCE = RetryConfig(max_attempts=1)
FAILURE = Outcome(http_status=503)


async def queue_of(at: Hands, name: QueueName = QUEUE, retry: RetryConfig = ONCE, kind: Kind = Kind.PUSH) -> None:
    await at.engine.queues.create(Queue(name=name, retry_config=retry, kind=kind))


async def created(at: Hands, task_id: str, queue: QueueName = QUEUE, body: bytes = b"") -> None:
    target = HttpDraft("http://handler.test/path?token=abc", body=body)
    draft = TaskDraft(name=queue.task(task_id), target=target)
    await at.engine.tasks.create(queue, check_task(draft, queue, at.clock.now()))


async def tried(at: Hands, task_id: str, queue: QueueName = QUEUE) -> None:
    await at.engine.tasks.run(queue.task(task_id))
    await at.engine.dispatcher.drain(MINUTE)


async def died(at: Hands, *task_ids: str, outcome: Outcome = FAILURE, body: bytes = b"") -> None:
    at.network.answer = lambda _: outcome
    for task_id in task_ids:
        await created(at, task_id, body=body)
        await tried(at, task_id)


async def shelf(at: Hands, queue: QueueName = QUEUE) -> list[DeadTask]:
    return (await at.engine.dead_letters.list(queue, None, 1000)).chosen


def ids(dead: list[DeadTask]) -> list[str]:
    return [each.task.name.task for each in dead]


async def redriven(
    at: Hands, dead: list[DeadTask], to: QueueName = QUEUE, due: datetime | None = None, *, keep_counts: bool = False
) -> Revival:
    now = at.clock.now()
    wanted = [(each.id, due or now) for each in dead]

    def stored(tx: Transaction, name: QueueName) -> StoredQueue:
        found = tx.queue(name)
        assert found is not None
        return found

    return await at.store.write(
        lambda tx: revive(tx, stored(tx, QUEUE), stored(tx, to), wanted, now, keep_counts=keep_counts)
    )


async def task_ids(at: Hands, queue: QueueName = QUEUE) -> list[str]:
    return [task.name.task for task in await at.engine.tasks.list(queue, "", 1000, body=False)]


async def refused(call: object) -> Code | None:
    try:
        await call  # type: ignore[misc]
    except ApiError as error:
        return error.code
    return None


async def tally(at: Hands) -> ShelfTally:
    def look(tx: Reader) -> ShelfTally:
        stored = tx.queue(QUEUE)
        assert stored is not None
        return tx.shelf(stored)

    return await at.store.read(look)


def rows(at: Hands, table: str) -> int:
    (count,) = at.store._connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # type: ignore[misc]
    return int(count)
