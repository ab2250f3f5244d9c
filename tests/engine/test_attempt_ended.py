"""What listeners are told of an ended attempt: once it is recorded, and what became of its task."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from tests.engine.worlds import MINUTE, Hands, hands

from tidegate.core.backoff import RetryLimit
from tidegate.core.lifecycle import DELIVERED, Gone, Judgement, Outcome, Retry
from tidegate.core.names import QueueName, TaskName
from tidegate.core.queue import UNLIMITED_ATTEMPTS, Queue, RetryConfig, State
from tidegate.core.target import HttpCall
from tidegate.core.times import Duration
from tidegate.core.validation import HttpDraft, TaskDraft, check_task
from tidegate.engine.ports import events
from tidegate.engine.ports.events import AttemptEnded

QUEUE = QueueName.of("p", "l", "q")
FAILURE = Outcome(http_status=500)


async def attempted(at: Hands, outcome: Outcome, retry: RetryConfig | None = None) -> TaskName:
    """A task whose first attempt has ended so."""
    at.network.answer = lambda _: outcome
    await at.engine.queues.create(Queue(name=QUEUE, retry_config=retry or RetryConfig()))
    draft = TaskDraft(name=QUEUE.task("a"), target=HttpDraft("http://handler.test/"))
    name = (await at.engine.tasks.create(QUEUE, check_task(draft, QUEUE, at.clock.now()))).name
    await at.engine.tasks.run(name)
    await at.engine.dispatcher.drain(MINUTE)
    return name


def told(at: Hands) -> list[Judgement | None]:
    return [event.judgement for event in at.notes.events if isinstance(event, AttemptEnded)]


async def test_a_success_is_told_as_delivered() -> None:
    at = await hands()
    await attempted(at, Outcome(http_status=204))
    assert told(at) == [DELIVERED]


async def test_a_failure_is_told_with_the_time_of_its_retry() -> None:
    at = await hands()
    name = await attempted(at, FAILURE)
    (judgement,) = told(at)
    assert isinstance(judgement, Retry)
    assert judgement.task.schedule_time == at.clock.now() + timedelta(seconds=0.1)
    assert judgement.task.schedule_time == (await at.engine.tasks.get(name, body=False)).schedule_time


@pytest.mark.parametrize(
    ("retry", "limit"),
    [
        (RetryConfig(max_attempts=1), RetryLimit.MAX_ATTEMPTS),
        (RetryConfig(UNLIMITED_ATTEMPTS, max_retry_duration=Duration(0, 1)), RetryLimit.MAX_RETRY_DURATION),
        (RetryConfig(max_attempts=1, max_retry_duration=Duration(0, 1)), RetryLimit.BOTH),
    ],
)
async def test_a_task_that_is_given_up_is_told_with_the_limit_it_reached(retry: RetryConfig, limit: RetryLimit) -> None:
    at = await hands()

    def slow(_: HttpCall) -> Outcome:
        at.clock.advance(MINUTE)
        return FAILURE

    at.network.answer = slow
    await at.engine.queues.create(Queue(name=QUEUE, retry_config=retry))
    draft = TaskDraft(target=HttpDraft("http://handler.test/"))
    task = await at.engine.tasks.create(QUEUE, check_task(draft, QUEUE, at.clock.now()))
    await at.engine.tasks.run(task.name)
    await at.engine.dispatcher.drain(MINUTE)
    assert told(at) == [Gone(limit)]


async def test_it_is_told_when_the_record_is_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    at = await hands()
    there: list[bool] = []
    note = at.notes.emit

    def look(event: events.Event) -> None:
        note(event)
        if isinstance(event, AttemptEnded):
            transaction = at.store._transaction
            stored = transaction.queue(QUEUE)
            assert stored is not None
            there.append(transaction.has_tasks(stored))

    monkeypatch.setattr(at.notes, "emit", look)
    await attempted(at, Outcome(http_status=200))
    assert there == [False]


async def under_way(at: Hands, monkeypatch: pytest.MonkeyPatch, outcome: Outcome) -> tuple[TaskName, asyncio.Event]:
    """A task with an attempt under way, which ends so when the event is set."""
    answered = asyncio.Event()

    async def send(call: HttpCall, authorization: str | None, report: object = None) -> Outcome:
        await answered.wait()
        return outcome

    monkeypatch.setattr(at.network, "send", send)
    await at.engine.queues.create(Queue(name=QUEUE, state=State.PAUSED))
    draft = TaskDraft(target=HttpDraft("http://handler.test/"))
    task = await at.engine.tasks.create(QUEUE, check_task(draft, QUEUE, at.clock.now()))
    await at.engine.tasks.run(task.name)
    return task.name, answered


async def test_the_retry_of_a_task_that_was_deleted_meanwhile_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    at = await hands()
    name, answered = await under_way(at, monkeypatch, FAILURE)
    await at.engine.tasks.delete(name)
    answered.set()
    await at.engine.dispatcher.drain(MINUTE)
    assert told(at) == [None]


@pytest.mark.parametrize("outcome", [FAILURE, Outcome(http_status=200)])
async def test_the_outcome_of_an_attempt_beside_a_newer_one_does_not_count(
    monkeypatch: pytest.MonkeyPatch, outcome: Outcome
) -> None:
    at = await hands()
    name, answered = await under_way(at, monkeypatch, outcome)
    await at.engine.tasks.run(name)
    answered.set()
    await at.engine.dispatcher.drain(MINUTE)
    first, second = told(at)
    assert first is None
    assert second is not None


async def test_attempts_of_a_queue_that_was_deleted_meanwhile_still_end(monkeypatch: pytest.MonkeyPatch) -> None:
    at = await hands()
    _, answered = await under_way(at, monkeypatch, FAILURE)
    await at.engine.queues.delete(QUEUE)
    answered.set()
    await at.engine.dispatcher.drain(MINUTE)
    assert told(at) == [None]
