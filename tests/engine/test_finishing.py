"""A caller who leaves in the midst of a call leaves nothing half done."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from tests.engine.worlds import Hands, hands

from tidegate.core.names import OperationName, QueueName
from tidegate.core.queue import Queue, State
from tidegate.core.validation import HttpDraft, NewTask, TaskDraft, check_task
from tidegate.engine.finishing import to_its_end
from tidegate.engine.operations import Recorded

QUEUE = QueueName.of("p", "l", "q")


def new_task(at: Hands) -> NewTask:
    return check_task(TaskDraft(target=HttpDraft("http://handler.test/")), QUEUE, at.clock.now())


async def left_at_the_commit(at: Hands, monkeypatch: pytest.MonkeyPatch, call: Coroutine[Any, Any, Any]) -> None:
    """Make the call, and leave while the disk is busy with it."""
    disk = asyncio.Event()
    write = at.store.write

    async def slow(work: Any, **queues: Any) -> Any:
        await disk.wait()
        return await write(work)

    with monkeypatch.context() as patch:
        patch.setattr(at.store, "write", slow)
        calling = asyncio.ensure_future(call)
        await asyncio.sleep(0.001)
        calling.cancel()
        await asyncio.sleep(0)
        disk.set()
        with pytest.raises(asyncio.CancelledError):
            await calling


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_task_that_was_to_be_run_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    at = await hands()
    await at.engine.queues.create(Queue(name=QUEUE, state=State.PAUSED))
    task = await at.engine.tasks.create(QUEUE, new_task(at))
    await left_at_the_commit(at, monkeypatch, at.engine.tasks.run(task.name))
    await settle()
    assert len(at.network.calls) == 1


async def test_a_queue_that_was_to_be_resumed_dispatches(monkeypatch: pytest.MonkeyPatch) -> None:
    at = await hands()
    await at.engine.start()
    await at.engine.queues.create(Queue(name=QUEUE, state=State.PAUSED))
    await at.engine.tasks.create(QUEUE, new_task(at))
    await settle()
    assert at.network.calls == []
    await left_at_the_commit(at, monkeypatch, at.engine.queues.resume(QUEUE))
    await settle()
    assert len(at.network.calls) == 1
    await at.engine.stop()


async def test_a_batch_of_tasks_is_dispatched(monkeypatch: pytest.MonkeyPatch) -> None:
    at = await hands()
    await at.engine.start()
    await at.engine.queues.create(Queue(name=QUEUE))
    await settle()
    operation: Any = Recorded(OperationName(f"{QUEUE.parent}/operations/o"), lambda outcomes: b"done")
    batch = at.engine.tasks.create_batch(QUEUE, lambda: [new_task(at)] * 3, 0, operation)
    await left_at_the_commit(at, monkeypatch, batch)
    await settle()
    assert len(at.network.calls) == 3
    await at.engine.stop()


async def test_whoever_stays_hears_what_became_of_it() -> None:
    @to_its_end
    async def works(number: int) -> int:
        if number < 0:
            raise ValueError("too small")
        return number

    assert await works(3) == 3
    with pytest.raises(ValueError, match="too small"):
        await works(-1)


async def test_an_error_that_nobody_waits_for_is_no_trouble() -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    @to_its_end
    async def fails() -> None:
        begun.set()
        await go_on.wait()
        raise ValueError

    calling = asyncio.ensure_future(fails())
    await begun.wait()
    calling.cancel()
    await asyncio.sleep(0)
    assert not calling.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await calling
