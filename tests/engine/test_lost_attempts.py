"""What is kept of attempts whose process ended under them."""

from __future__ import annotations

from datetime import timedelta

from tests.engine.deaths import QUEUE, rows
from tests.engine.test_kept_attempts import (
    TASK,
    at_work,
    cut_off,
    kept_bytes,
    records,
    stored_bytes,
)
from tests.engine.worlds import MINUTE, Hands

from tidegate.core.attempt_record import AttemptOutcome, SentReason
from tidegate.core.queue_options import Keep
from tidegate.engine.releasing import RELEASED_AT_ONCE, release_attempts


async def next_start(at: Hands) -> None:
    """What a process does first that finds the work of another one."""
    await release_attempts(at.store, 0, at.clock.now(), at.engine.shelving)


async def test_an_attempt_whose_process_was_killed_is_kept_as_unknown_and_its_task_is_due() -> None:
    at = await at_work()
    await cut_off(at, "a")
    began = at.clock.now()
    at.clock.advance(MINUTE)
    await next_start(at)
    (record,) = await records(at)
    assert (record.number, record.outcome, record.sent_because) == (1, AttemptOutcome.UNKNOWN, SentReason.SCHEDULED)
    assert (record.start_time, record.end_time) == (began, began + MINUTE)
    assert (record.http_status, record.status, record.final) == (0, None, False)
    assert record.error == "the process that made the attempt ended before the attempt did"
    task = await at.engine.tasks.get(TASK, body=False)
    assert (task.dispatched_at, record.retry_time) == (None, task.schedule_time)
    assert await kept_bytes(at) == stored_bytes(at)


async def test_the_next_attempt_has_the_next_number_and_stands_before_it() -> None:
    at = await at_work()
    await cut_off(at, "a")
    await next_start(at)
    await at.engine.tasks.run(TASK)
    await next_start(at)
    assert [(each.number, each.sent_because) for each in await records(at)] == [
        (2, SentReason.RETRY),
        (1, SentReason.SCHEDULED),
    ]


async def test_an_attempt_that_was_cut_off_in_order_is_not_kept_twice() -> None:
    at = await at_work()
    await cut_off(at, "a")
    await at.engine.dispatcher.drain(timedelta())
    await next_start(at)
    assert [each.outcome for each in await records(at)] == [AttemptOutcome.CUT_OFF]


async def test_a_second_start_finds_nothing_more() -> None:
    at = await at_work()
    await cut_off(at, "a")
    await next_start(at)
    await next_start(at)
    assert rows(at, "attempts") == 1


async def test_nothing_is_kept_where_nothing_is_to_be_kept_or_the_queue_or_task_is_gone() -> None:
    at = await at_work(Keep.NONE)
    await cut_off(at, "a")
    await next_start(at)
    assert rows(at, "attempts") == 0
    assert (await at.engine.tasks.get(TASK, body=False)).dispatched_at is None
    at = await at_work()
    await cut_off(at, "a", "b")
    await at.engine.tasks.delete(TASK)
    await at.engine.queues.purge(QUEUE)
    await next_start(at)
    assert rows(at, "attempts") == 0


async def test_many_attempts_are_released_in_several_transactions_and_all_kept() -> None:
    at = await at_work()
    many = [f"t{number}" for number in range(RELEASED_AT_ONCE + 5)]
    await cut_off(at, *many)
    await next_start(at)
    assert rows(at, "attempts") == len(many)
    assert {(await at.engine.tasks.get(QUEUE.task(each), body=False)).dispatched_at for each in many} == {None}
