"""Dead tasks go back into a queue."""

from __future__ import annotations

from datetime import timedelta

from tests.engine.deaths import OTHER, QUEUE, created, died, ids, queue_of, redriven, shelf, tally, task_ids, tried
from tests.engine.worlds import MINUTE, hands

from tidegate.core.errors import Code
from tidegate.core.lifecycle import Outcome
from tidegate.core.queue import Kind


async def test_a_redriven_task_is_in_its_queue_and_no_longer_on_the_shelf() -> None:
    at = await hands()
    await queue_of(at)
    await died(at, "a", body=b"again")
    at.clock.advance(MINUTE)
    revival = await redriven(at, await shelf(at))
    assert await shelf(at) == []
    assert (await tally(at)).tasks == 0
    (task,) = await at.engine.tasks.list(QUEUE, "", 10, body=True)
    assert [each.name for each in revival.tasks] == [task.name] == [QUEUE.task("a")]
    assert (task.body, task.dispatch_count, task.last_attempt) == (b"again", 0, None)
    assert task.create_time == task.schedule_time == at.clock.now()
    at.network.answer = lambda _: Outcome(http_status=200)
    await tried(at, "a")
    assert await task_ids(at) == []


async def test_a_redriven_task_may_keep_its_counts_and_its_attempts() -> None:
    at = await hands()
    await queue_of(at)
    await died(at, "a")
    await redriven(at, await shelf(at), keep_counts=True)
    task = await at.engine.tasks.get(QUEUE.task("a"), body=False)
    assert task.dispatch_count == 1
    assert [each.record.number for each in await at.engine.attempts.list(task.name)] == [1]
    await tried(at, "a")
    (dead,) = await shelf(at)
    assert [each.number for each in (await at.engine.dead_letters.get(QUEUE, dead.id)).attempts] == [1, 2]


async def test_a_task_goes_to_another_queue_unless_its_name_is_taken_there() -> None:
    at = await hands()
    await queue_of(at)
    await queue_of(at, OTHER)
    await died(at, "a", "b", "c")
    await created(at, "a", OTHER)
    await created(at, "b", OTHER)
    await at.engine.tasks.delete(OTHER.task("b"))
    revival = await redriven(at, await shelf(at), OTHER)
    assert sorted(await task_ids(at, OTHER)) == ["a", "c"]
    assert [error.code for error in revival.refused.values()] == [Code.ALREADY_EXISTS] * 2
    assert sorted(ids(await shelf(at))) == ["a", "b"]


async def test_a_push_task_does_not_go_into_a_pull_queue() -> None:
    at = await hands()
    await queue_of(at)
    await queue_of(at, OTHER, kind=Kind.PULL)
    await died(at, "a")
    revival = await redriven(at, await shelf(at), OTHER)
    assert [error.code for error in revival.refused.values()] == [Code.FAILED_PRECONDITION]
    assert ids(await shelf(at)) == ["a"]


async def test_two_lives_of_one_name_are_redriven_one_after_the_other() -> None:
    at = await hands()
    await queue_of(at)
    for _ in range(2):
        await died(at, "a")
        at.clock.advance(timedelta(hours=1))
    assert ids(await shelf(at)) == ["a", "a"]
    revival = await redriven(at, await shelf(at))
    assert len(revival.tasks) == len(revival.refused) == 1
    assert ids(await shelf(at)) == await task_ids(at) == ["a"]


async def test_what_is_not_on_the_shelf_is_not_redriven_twice() -> None:
    at = await hands()
    await queue_of(at)
    await died(at, "a")
    dead = await shelf(at)
    await redriven(at, dead)
    again = await redriven(at, dead)
    assert (again.tasks, again.refused) == ([], {})
