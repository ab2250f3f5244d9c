"""A purge that makes its queue as new, as ``tidegate dev`` has it for those who come from another emulator."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from tests.engine.worlds import MINUTE, Hands, hands

from tidegate.core.errors import AlreadyExists
from tidegate.core.lifecycle import Outcome
from tidegate.core.names import QueueName
from tidegate.core.policy import Binding, Policy
from tidegate.core.queue import Queue, RetryConfig
from tidegate.core.queue_options import DeadLetterOptions, QueueOptions
from tidegate.core.validation import HttpDraft, TaskDraft, check_task
from tidegate.engine.operator_rules import OperatorRules
from tidegate.engine.ports.events import QueueChanged
from tidegate.engine.queues import PURGED

QUEUE = QueueName.of("p", "l", "q")
RETRY = RetryConfig(max_attempts=7)


async def resetting() -> Hands:
    at = await hands(OperatorRules(hard_reset_on_purge=True))
    await at.engine.queues.create(Queue(name=QUEUE, retry_config=RETRY))
    return at


async def created(at: Hands, task_id: str) -> None:
    draft = TaskDraft(name=QUEUE.task(task_id), target=HttpDraft("http://handler.test/"))
    await at.engine.tasks.create(QUEUE, check_task(draft, QUEUE, at.clock.now()))


async def test_the_names_of_its_tasks_are_free_at_once() -> None:
    at = await resetting()
    for task_id in ("purged", "deleted"):
        await created(at, task_id)
    await at.engine.tasks.delete(QUEUE.task("deleted"))
    with pytest.raises(AlreadyExists):
        await created(at, "deleted")
    await at.engine.queues.purge(QUEUE)
    assert await at.engine.tasks.list(QUEUE, "", 10, body=False) == []
    for task_id in ("purged", "deleted"):
        await created(at, task_id)


async def test_otherwise_a_purge_keeps_them_taken() -> None:
    at = await hands()
    await at.engine.queues.create(Queue(name=QUEUE))
    await created(at, "purged")
    await at.engine.queues.purge(QUEUE)
    with pytest.raises(AlreadyExists):
        await created(at, "purged")


async def test_the_queue_keeps_its_settings_options_and_policy() -> None:
    at = await resetting()
    kept = QueueOptions(dead_letters=DeadLetterOptions(max_tasks=5))
    await at.engine.options.update(QUEUE, lambda _: kept)
    policy = await at.engine.policies.set(QUEUE, Policy(1, (Binding("roles/viewer", ("user:a@b.c",)),)), None)
    before = await at.engine.queues.get(QUEUE)
    after = await at.engine.queues.purge(QUEUE)
    assert after == await at.engine.queues.get(QUEUE)
    assert (after.retry_config, after.options, after.purge_time) == (before.retry_config, kept, at.clock.now())
    assert await at.engine.policies.get(QUEUE) == policy
    assert QueueChanged(QUEUE, PURGED) in at.notes.events


async def test_an_attempt_under_way_ends_without_effect() -> None:
    at = await resetting()
    answered = asyncio.Event()

    async def send(*_: object) -> Outcome:
        await answered.wait()
        return Outcome(http_status=503)

    at.network.send = send  # type: ignore[method-assign, assignment]
    await created(at, "t")
    await at.engine.tasks.run(QUEUE.task("t"))
    await at.engine.queues.purge(QUEUE)
    await created(at, "t")
    answered.set()
    await at.engine.dispatcher.drain(MINUTE)
    (task,) = await at.engine.tasks.list(QUEUE, "", 10, body=False)
    assert task.dispatch_count == 0
    at.clock.advance(timedelta(days=1))
