"""What a queue says about its work just now."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from tests.engine.worlds import MINUTE, START, Hands, hands

from tidegate.core.lifecycle import Outcome
from tidegate.core.names import QueueName
from tidegate.core.queue import Kind, Queue, RateLimits
from tidegate.core.stats import QueueStats
from tidegate.core.validation import HttpDraft, PullDraft, TaskDraft, check_task
from tidegate.engine.executions import SECONDS, Executions

QUEUE = QueueName.of("p", "l", "q")


async def put(at: Hands, task_id: str, due: timedelta = timedelta()) -> None:
    moment = START + due
    draft = TaskDraft(
        name=QUEUE.task(task_id),
        target=HttpDraft("http://handler.test/"),
        schedule_time=(int(moment.timestamp()), 0),
    )
    await at.engine.tasks.create(QUEUE, check_task(draft, QUEUE, at.clock.now()))


async def stats(at: Hands, queue: QueueName = QUEUE) -> QueueStats:
    return (await at.engine.queues.stats([queue]))[queue]


async def answered(at: Hands, task_id: str) -> None:
    """Run the task and wait until its attempt is recorded."""
    await at.engine.tasks.run(QUEUE.task(task_id))
    await at.engine.dispatcher.drain(MINUTE)


async def test_an_empty_queue_has_nothing_to_count_but_its_rate() -> None:
    at = await hands()
    await at.engine.queues.create(Queue(name=QUEUE, rate_limits=RateLimits(25, 10, 10)))
    assert await stats(at) == QueueStats(0, None, 0, 0, 25, tokens=10)


async def test_tasks_are_counted_until_they_are_gone_and_the_next_one_due_is_named() -> None:
    at = await hands()
    await at.engine.queues.create(Queue(name=QUEUE))
    for number in range(5):
        await put(at, f"{number}", due=(5 - number) * MINUTE)
    counted = await stats(at)
    assert (counted.tasks, counted.next_due) == (5, START + MINUTE)
    await at.engine.tasks.delete(QUEUE.task("4"))
    await answered(at, "3")
    counted = await stats(at)
    assert (counted.tasks, counted.next_due) == (3, START + 3 * MINUTE)
    await at.engine.queues.purge(QUEUE)
    counted = await stats(at)
    assert (counted.tasks, counted.next_due) == (0, None)


async def test_attempts_are_counted_while_they_are_under_way_and_a_minute_after_they_were_answered() -> None:
    at = await hands()
    await at.engine.queues.create(Queue(name=QUEUE))
    for task_id, outcome in (("good", Outcome(200)), ("bad", Outcome(404)), ("silent", Outcome(timed_out=True))):
        await put(at, task_id)
        at.network.answer = lambda _, outcome=outcome: outcome  # type: ignore[misc]
        await answered(at, task_id)
    assert (await stats(at)).executed_last_minute == 2
    await at.engine.tasks.run(QUEUE.task("bad"))
    assert (await stats(at)).in_flight == 1
    await at.engine.dispatcher.drain(MINUTE)
    counted = await stats(at)
    assert (counted.in_flight, counted.executed_last_minute) == (0, 2)
    at.clock.advance(MINUTE)
    assert (await stats(at)).executed_last_minute == 0


async def test_the_rate_is_the_one_that_throttling_leaves_and_none_while_the_queue_is_paused() -> None:
    at = await hands()
    await at.engine.queues.create(Queue(name=QUEUE, rate_limits=RateLimits(100, 10, 10)))
    await put(at, "a")
    at.network.answer = lambda _: Outcome(503)
    await answered(at, "a")
    assert (await stats(at)).effective_rate == 50
    at.clock.advance(MINUTE)
    assert (await stats(at)).effective_rate == 100
    await at.engine.queues.pause(QUEUE)
    assert (await stats(at)).effective_rate == 0


async def test_a_pull_queue_counts_its_tasks_leased_or_not() -> None:
    at = await hands()
    await at.engine.queues.create(Queue(name=QUEUE, kind=Kind.PULL))
    drafts = [TaskDraft(name=QUEUE.task(name), target=PullDraft(b"", "")) for name in ("a", "b")]
    now = at.clock.now()
    await asyncio.gather(*[at.engine.tasks.create(QUEUE, check_task(draft, QUEUE, now)) for draft in drafts])
    assert await stats(at) == QueueStats(2, START, 0, 0, 0)


async def test_queues_that_are_not_there_are_left_out() -> None:
    at = await hands()
    await at.engine.queues.create(Queue(name=QUEUE))
    found = await at.engine.queues.stats([QueueName.of("p", "l", "none"), QUEUE])
    assert set(found) == {QUEUE}


def test_what_is_older_than_a_minute_is_forgotten() -> None:
    executions = Executions()
    for second in range(1000):
        executions.add({QUEUE: 1}, float(second))
    assert executions.last_minute(999.9) == {QUEUE: SECONDS}
    assert executions.last_minute(1029.0) == {QUEUE: SECONDS - 30}
    assert executions.last_minute(2000.0) == {}
