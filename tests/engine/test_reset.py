"""Beginning again while the engine runs."""

from __future__ import annotations

import asyncio

from tests.engine.worlds import Hands, hands

from tidegate.core.lifecycle import Outcome
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue
from tidegate.core.target import HttpCall
from tidegate.core.validation import HttpDraft, TaskDraft, check_task
from tidegate.engine.ports.events import AllDeleted, QueueChanged, QueueDeleted

QUEUE = QueueName.of("p", "l", "q")
OTHER = QueueName.of("p", "l", "other")


async def put(at: Hands, task_id: str) -> None:
    draft = TaskDraft(name=QUEUE.task(task_id), target=HttpDraft("https://handler.test/"))
    await at.engine.tasks.create(QUEUE, check_task(draft, QUEUE, at.clock.now()))


async def settled() -> None:
    """Let everything run that can."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_every_name_is_free_again() -> None:
    at = await hands()
    await at.engine.queues.create(Queue(name=OTHER))
    await at.engine.queues.delete(OTHER)
    await at.engine.queues.create(Queue(name=QUEUE))
    await put(at, "t")
    await at.engine.reset()
    assert await at.engine.queues.list("projects/p/locations/l", "", 10) == []
    for name in (OTHER, QUEUE):
        await at.engine.queues.create(Queue(name=name))
    assert await at.engine.tasks.list(QUEUE, "", 10, body=False) == []
    await put(at, "t")


async def test_whoever_listens_hears_of_a_deleted_queue_and_of_a_reset() -> None:
    at = await hands()
    for name in (OTHER, QUEUE):
        await at.engine.queues.create(Queue(name=name))
    await at.engine.queues.delete(OTHER)
    await at.engine.reset()
    created = [QueueChanged(name, "created") for name in (OTHER, QUEUE)]
    assert at.notes.events == [*created, QueueDeleted(OTHER), AllDeleted()]


async def test_an_attempt_under_way_ends_without_effect_and_what_comes_after_is_dispatched() -> None:
    at = await hands()
    held: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    async def hold(call: HttpCall, authorization: str | None, report: object = None) -> Outcome:
        return await held

    answer, at.network.send = at.network.send, hold  # type: ignore[method-assign]
    await at.engine.queues.create(Queue(name=QUEUE))
    await at.engine.start()
    await put(at, "t")
    await settled()
    await at.engine.reset()
    await at.engine.queues.create(Queue(name=QUEUE))
    at.network.send = answer  # type: ignore[method-assign]
    held.set_result(Outcome(http_status=500))  # it would be tried again
    await settled()
    assert await at.engine.tasks.list(QUEUE, "", 10, body=False) == []
    (stats,) = (await at.engine.queues.stats([QUEUE])).values()
    assert stats.in_flight == 0
    await put(at, "t")
    await settled()
    assert len(at.network.calls) == 1
    assert await at.engine.tasks.list(QUEUE, "", 10, body=False) == []
    await at.engine.stop()
