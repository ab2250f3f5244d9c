"""A transaction that another's work spoiled is undone and run again; callers hear only of what was committed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.engine.worlds import MINUTE, HandClock, Mint, Network, Notes
from tests.ids import CountingIds

from tidegate.core.bucket import Flow
from tidegate.core.errors import ApiError
from tidegate.core.lease import LeaseFilter
from tidegate.core.names import QueueName
from tidegate.core.queue import Kind, Queue
from tidegate.core.times import micros
from tidegate.core.validation import PullDraft, TaskDraft, check_task
from tidegate.engine.engine import Engine
from tidegate.engine.ports.store import Transaction
from tidegate.engine.ports.world import World
from tidegate.storage.sqlite import SqliteStore

QUEUE = QueueName.of("p", "l", "pull")
PATIENCE = 30.0  # seconds


class Life:
    """An engine on a file, with a pull queue."""

    def __init__(self, store: SqliteStore) -> None:
        self.store, self.clock = store, HandClock()
        self.engine = Engine(World(store, Network(), Mint(), self.clock, self.clock, CountingIds(), Notes()))

    async def put(self, task_id: str) -> None:
        draft = TaskDraft(name=QUEUE.task(task_id), target=PullDraft(b"", ""))
        await self.engine.tasks.create(QUEUE, check_task(draft, QUEUE, self.clock.now()))

    async def in_a_spoiled_group(self, spoil: Any, call: Coroutine[Any, Any, Any]) -> Any:
        """Make a call whose work runs after ``spoil`` in one transaction, which then cannot stand."""
        go_on = threading.Event()
        holding = asyncio.ensure_future(self.store.write(lambda tx: go_on.wait(PATIENCE)))
        spoiling = asyncio.ensure_future(self.store.write(spoil))
        await asyncio.sleep(0)
        calling = asyncio.ensure_future(call)
        async with asyncio.timeout(PATIENCE):
            while self.store._writer._waiting.qsize() < 2:  # noqa: ASYNC110 - the thread that waits tells nobody
                await asyncio.sleep(0.001)
        go_on.set()
        await holding
        with pytest.raises(ValueError, match="spoils its group"):
            await spoiling
        return await calling


@pytest.fixture
async def life(tmp_path: Path) -> AsyncIterator[Life]:
    store = await SqliteStore.open(tmp_path / "t.db")
    life = Life(store)
    await life.engine.queues.create(Queue(name=QUEUE, kind=Kind.PULL))
    yield life
    await store.close()


async def test_a_task_that_another_had_removed_before_its_work_was_undone_is_acknowledged(life: Life) -> None:
    await life.put("a")
    (leased,) = await life.engine.leases.lease(QUEUE, LeaseFilter(), 1, MINUTE)
    seconds, rest = divmod(micros(leased.schedule_time), 1_000_000)

    def spoil(tx: Transaction) -> None:
        stored = tx.queue(QUEUE)
        assert stored is not None
        tx.remove(stored, ["a"], life.clock.now() + timedelta(hours=1))
        raise ValueError("spoils its group")

    acknowledging = life.engine.leases.acknowledge(leased.name, (seconds, rest * 1000))
    await life.in_a_spoiled_group(spoil, acknowledging)
    with pytest.raises(ApiError, match="existed recently"):
        await life.engine.tasks.get(leased.name, body=False)


async def test_a_name_that_another_had_taken_before_its_work_was_undone_is_free(life: Life) -> None:
    def spoil(tx: Transaction) -> None:
        stored = tx.queue(QUEUE)
        assert stored is not None
        task = check_task(TaskDraft(name=QUEUE.task("a"), target=PullDraft(b"", "")), QUEUE, life.clock.now())
        tx.add_tasks(stored, [task.stored(QUEUE.task("a"), task.target, life.clock.now(), life.clock.now())])
        raise ValueError("spoils its group")

    await life.in_a_spoiled_group(spoil, life.put("a"))
    assert (await life.engine.tasks.get(QUEUE.task("a"), body=False)).name == QUEUE.task("a")


async def test_a_queue_that_another_had_made_before_its_work_was_undone_can_be_made(life: Life) -> None:
    other = Queue(name=QueueName.of("p", "l", "other"))

    def spoil(tx: Transaction) -> None:
        tx.add_queue(other, Flow.fresh(other.rate_limits, life.clock.now()))
        raise ValueError("spoils its group")

    assert await life.in_a_spoiled_group(spoil, life.engine.queues.create(other)) == other
