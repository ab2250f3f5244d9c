"""A batch and its operation are stored together or not at all."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tests.engine.worlds import hands

from tidegate.core.errors import ApiError, InvalidArgument, NotFound
from tidegate.core.names import OperationName, QueueName
from tidegate.core.queue import Queue
from tidegate.core.task import Task
from tidegate.core.validation import HttpDraft, NewTask, TaskDraft, check_task
from tidegate.engine.operations import Recorded

QUEUE = QueueName.of("p", "l", "q")
NAME = OperationName("projects/p/locations/l/operations/one")


async def test_a_batch_that_cannot_tell_of_itself_creates_nothing_and_uses_no_name() -> None:
    at = await hands()
    await at.engine.queues.create(Queue(name=QUEUE))
    new = check_task(TaskDraft(target=HttpDraft("http://handler.test/")), QUEUE, at.clock.now())

    def fails(outcomes: Sequence[Task | ApiError]) -> bytes:
        raise ValueError("the power went")

    with pytest.raises(ValueError, match="the power went"):
        await at.engine.tasks.create_batch(QUEUE, lambda: [new], 0, Recorded(NAME, fails))
    assert await at.engine.tasks.list(QUEUE, "", 10, body=False) == []
    with pytest.raises(NotFound):
        await at.engine.operations.get(NAME)
    told = await at.engine.tasks.create_batch(QUEUE, lambda: [new], 0, Recorded(NAME, lambda outcomes: b"told"))
    assert told == b"told"
    assert await at.engine.operations.get(NAME) == b"told"
    assert len(await at.engine.tasks.list(QUEUE, "", 10, body=False)) == 1


async def test_a_batch_that_cannot_be_read_says_why_and_uses_no_name() -> None:
    at = await hands()
    await at.engine.queues.create(Queue(name=QUEUE))

    def unreadable() -> list[NewTask | ApiError]:
        raise InvalidArgument("no such thing")

    with pytest.raises(InvalidArgument, match="no such thing"):
        await at.engine.tasks.create_batch(QUEUE, unreadable, 0, Recorded(NAME, lambda outcomes: b"told"))
    with pytest.raises(NotFound):
        await at.engine.operations.get(NAME)
