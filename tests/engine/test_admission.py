"""New tasks are refused before they would wait for the disk or fill the memory."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from tests.engine.worlds import Hands, hands

from tidegate.core.errors import ResourceExhausted, RetryInfo
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue
from tidegate.core.task import Task
from tidegate.core.validation import HttpDraft, TaskDraft, check_task
from tidegate.engine import admission

QUEUE = QueueName.of("p", "l", "q")


def create(at: Hands, body: bytes = b"x") -> asyncio.Task[Task]:
    draft = TaskDraft(target=HttpDraft("http://handler.test/", body=body))
    return asyncio.ensure_future(at.engine.tasks.create(QUEUE, check_task(draft, QUEUE, at.clock.now())))


class SlowDisk:
    """Stands before a store and lets nothing pass until it is told to."""

    def __init__(self, at: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
        self._open = asyncio.Event()
        write = at.store.write

        async def slow(work: object, **queues: object) -> object:
            await self._open.wait()
            return await write(work, **queues)  # type: ignore[arg-type]

        monkeypatch.setattr(at.store, "write", slow)

    def recover(self) -> None:
        self._open.set()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_when_the_disk_does_not_keep_up_new_tasks_are_told_when_to_try_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at = await hands()
    await at.engine.queues.create(Queue(name=QUEUE))
    disk = SlowDisk(at, monkeypatch)
    first = create(at)
    await settle()
    at.clock.advance(timedelta(seconds=admission.LONGEST_WAIT))
    second = create(at)
    await settle()
    at.clock.advance(timedelta(milliseconds=1))
    with pytest.raises(ResourceExhausted, match="does not keep up") as refused:
        await create(at)
    assert refused.value.details == (RetryInfo(timedelta(seconds=1)),)
    disk.recover()
    await asyncio.gather(first, second)
    await create(at)


async def test_bodies_on_their_way_to_the_disk_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "MOST_BYTES", 1000)
    at = await hands()
    await at.engine.queues.create(Queue(name=QUEUE))
    disk = SlowDisk(at, monkeypatch)
    first = create(at, b"x" * 600)
    await settle()
    with pytest.raises(ResourceExhausted, match="More bytes"):
        await create(at, b"x" * 401)
    second = create(at, b"x" * 400)
    await settle()
    disk.recover()
    await asyncio.gather(first, second)
    await create(at, b"x" * 5000)  # alone, any task that the API allows passes


async def test_a_caller_who_gives_up_takes_up_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    at = await hands()
    await at.engine.queues.create(Queue(name=QUEUE))
    disk = SlowDisk(at, monkeypatch)
    given_up = create(at)
    await settle()
    given_up.cancel()
    disk.recover()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    at.clock.advance(timedelta(seconds=60))
    await create(at)
