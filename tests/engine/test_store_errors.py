"""What callers are told when the store cannot."""

from __future__ import annotations

from typing import Any

import pytest
from tests.engine.worlds import MINUTE, SECOND, hands

from tidegate.core.errors import ResourceExhausted, RetryInfo, Unavailable
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue
from tidegate.core.validation import HttpDraft, TaskDraft, check_task
from tidegate.engine.ports.store import FencedError, StoreAwayError, StoreError, StoreFullError

QUEUE = QueueName.of("p", "l", "q")


async def test_a_full_disk_refuses_new_tasks_and_says_when_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    at = await hands()
    await at.engine.queues.create(Queue(name=QUEUE))
    monkeypatch.setattr(at.store, "write", failing(StoreFullError("no room")))
    new = check_task(TaskDraft(target=HttpDraft("http://handler.test/")), QUEUE, at.clock.now())
    with pytest.raises(ResourceExhausted, match="disk is full") as refused:
        await at.engine.tasks.create(QUEUE, new)
    assert isinstance(refused.value.details[0], RetryInfo)


async def test_a_failing_disk_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    at = await hands()
    monkeypatch.setattr(at.store, "write", failing(StoreError("gone")))
    monkeypatch.setattr(at.store, "read", failing(StoreError("gone")))
    with pytest.raises(Unavailable):
        await at.engine.queues.create(Queue(name=QUEUE))
    with pytest.raises(Unavailable):
        await at.engine.queues.get(QUEUE)


@pytest.mark.parametrize("error", [StoreAwayError("no connection"), FencedError("taken for dead")])
async def test_a_store_that_is_away_may_be_back_in_a_second(error: StoreError, monkeypatch: pytest.MonkeyPatch) -> None:
    at = await hands()
    monkeypatch.setattr(at.store, "write", failing(error))
    monkeypatch.setattr(at.store, "read", failing(error))
    for call in (at.engine.queues.create(Queue(name=QUEUE)), at.engine.queues.get(QUEUE)):
        with pytest.raises(Unavailable, match="cannot be reached") as refused:
            await call
        assert refused.value.details == (RetryInfo(SECOND),)


def failing(error: Exception) -> Any:
    async def fail(work: Any, **queues: Any) -> Any:
        raise error

    return fail


async def test_a_server_with_a_full_disk_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    at = await hands()
    await at.engine.queues.create(Queue(name=QUEUE))
    new = check_task(TaskDraft(target=HttpDraft("http://handler.test/")), QUEUE, at.clock.now())
    task = await at.engine.tasks.create(QUEUE, new)
    await at.engine.tasks.run(task.name)
    monkeypatch.setattr(at.store, "write", failing(StoreFullError("no room")))
    assert await at.engine.dispatcher.drain(MINUTE) == 0
    assert len(at.network.calls) == 1
