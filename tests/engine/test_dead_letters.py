"""Tasks that are given up lie on the shelf of their queue."""

from __future__ import annotations

from datetime import timedelta

from tests.engine.deaths import (
    FAILURE,
    QUEUE,
    created,
    died,
    ids,
    queue_of,
    redriven,
    refused,
    rows,
    shelf,
    tally,
    task_ids,
    tried,
)
from tests.engine.worlds import MINUTE, SECOND, hands

from tidegate.core.attempt_record import AttemptOutcome
from tidegate.core.dead_letters import DeathReason
from tidegate.core.errors import Code
from tidegate.core.lease import LeaseFilter
from tidegate.core.lifecycle import Outcome
from tidegate.core.queue import UNLIMITED_ATTEMPTS, Kind, Queue, RetryConfig
from tidegate.core.queue_options import AttemptOptions, DeadLetterOptions, Keep, Keeping, QueueOptions
from tidegate.core.target import HttpCall
from tidegate.core.times import Duration
from tidegate.core.validation import PullDraft, TaskDraft, check_task
from tidegate.engine.janitor import Walk, sweep
from tidegate.engine.operator_rules import OperatorRules
from tidegate.engine.ports.events import TaskDied


async def test_a_task_that_used_up_its_attempts_lies_on_the_shelf_with_them() -> None:
    at = await hands()
    await queue_of(at, retry=RetryConfig(max_attempts=2))
    await died(at, "a", body=b"hello")
    assert await shelf(at) == []
    await tried(at, "a")
    (dead,) = await shelf(at)
    assert dead.reason is DeathReason.ATTEMPTS
    assert dead.death_time == at.clock.now()
    assert dead.expire_time == at.clock.now() + timedelta(days=7)
    assert dead.error_group.text == "HTTP 503 from handler.test"
    whole = await at.engine.dead_letters.get(QUEUE, dead.id)
    assert whole.task.body == b"hello"
    assert whole.task.dispatch_count == 2
    assert [each.number for each in whole.attempts] == [1, 2]
    assert [each.final for each in whole.attempts] == [False, True]
    assert await task_ids(at) == []


async def test_its_death_is_told_and_its_name_stays_taken() -> None:
    at = await hands()
    await queue_of(at)
    await died(at, "a")
    told = [event for event in at.notes.events if isinstance(event, TaskDied)]
    assert told == [TaskDied(QUEUE, QUEUE.task("a"), DeathReason.ATTEMPTS, True, at.clock.now())]
    assert await refused(created(at, "a")) is Code.ALREADY_EXISTS


async def test_time_that_is_used_up_is_another_reason() -> None:
    at = await hands()
    await queue_of(at, retry=RetryConfig(UNLIMITED_ATTEMPTS, max_retry_duration=Duration(0, 1)))

    def slow(_: HttpCall) -> Outcome:
        at.clock.advance(SECOND)
        return FAILURE

    at.network.answer = slow
    await created(at, "a")
    await tried(at, "a")
    assert [each.reason for each in await shelf(at)] == [DeathReason.RETRY_DURATION]


async def test_a_task_past_its_time_to_live_lies_there_too() -> None:
    at = await hands()
    await at.engine.queues.create(Queue(name=QUEUE, task_ttl=timedelta(days=10)))
    await created(at, "old", body=b"x" * 5000)
    at.clock.advance(timedelta(days=10))
    now = at.clock.now()
    swept = await at.store.write(lambda tx: sweep(tx, Walk(), now, shelving=at.engine.shelving))
    (dead,) = await shelf(at)
    assert [event.reason for event in swept.died] == [DeathReason.TTL] == [dead.reason]
    assert dead.error_group.text == "past its time to live"
    assert (await at.engine.dead_letters.get(QUEUE, dead.id)).task.body == b"x" * 5000


async def test_a_pull_task_that_was_leased_too_often_lies_there_too() -> None:
    at = await hands()
    await queue_of(at, kind=Kind.PULL)
    draft = TaskDraft(name=QUEUE.task("a"), target=PullDraft(payload=b"y" * 3000, tag="t"))
    await at.engine.tasks.create(QUEUE, check_task(draft, QUEUE, at.clock.now()))
    assert len(await at.engine.leases.lease(QUEUE, LeaseFilter(), 1, MINUTE)) == 1
    at.clock.advance(MINUTE)
    assert await at.engine.leases.lease(QUEUE, LeaseFilter(), 1, MINUTE) == []
    (dead,) = await shelf(at)
    assert dead.reason is DeathReason.LEASES
    whole = await at.engine.dead_letters.get(QUEUE, dead.id)
    assert whole.task.body == b"y" * 3000
    revival = await redriven(at, [dead])
    assert [task.name.task for task in revival.tasks] == ["a"]
    (leased,) = await at.engine.leases.lease(QUEUE, LeaseFilter("t"), 1, MINUTE)
    assert leased.body == b"y" * 3000


async def test_a_last_lease_that_runs_out_unseen_is_found_by_the_janitor() -> None:
    at = await hands()
    await queue_of(at, kind=Kind.PULL)
    draft = TaskDraft(name=QUEUE.task("a"), target=PullDraft(payload=b"y"))
    await at.engine.tasks.create(QUEUE, check_task(draft, QUEUE, at.clock.now()))
    await at.engine.leases.lease(QUEUE, LeaseFilter(), 1, MINUTE)
    at.clock.advance(MINUTE)
    now = at.clock.now()
    await at.store.write(lambda tx: sweep(tx, Walk(), now, shelving=at.engine.shelving))
    assert [each.reason for each in await shelf(at)] == [DeathReason.LEASES]


async def test_a_task_that_is_deleted_while_its_last_attempt_is_under_way_is_not_shelved() -> None:
    at = await hands()
    await queue_of(at)
    await created(at, "a")
    await at.engine.tasks.run(QUEUE.task("a"))
    at.network.answer = lambda _: FAILURE
    await at.engine.tasks.delete(QUEUE.task("a"))
    await at.engine.dispatcher.drain(MINUTE)
    assert await shelf(at) == []


async def test_what_callers_delete_or_purge_is_not_shelved_and_a_purge_leaves_the_shelf() -> None:
    at = await hands()
    await queue_of(at)
    await died(at, "dead")
    await created(at, "deleted")
    await created(at, "purged")
    await at.engine.tasks.delete(QUEUE.task("deleted"))
    await at.engine.queues.purge(QUEUE)
    assert ids(await shelf(at)) == ["dead"]


async def test_the_shelf_goes_with_its_queue() -> None:
    at = await hands(OperatorRules(queue_name_reuse_after=timedelta()))
    await queue_of(at)
    await died(at, "a", "b", "c")
    await at.engine.queues.delete(QUEUE)
    await queue_of(at)
    assert await shelf(at) == []
    now = at.clock.now()
    for _ in range(3):
        await at.store.write(lambda tx: sweep(tx, Walk(), now, 2, at.engine.shelving))
    assert rows(at, "dead_tasks") == rows(at, "shelves") == rows(at, "attempts") == 0


async def test_the_oldest_go_first_when_there_are_too_many() -> None:
    at = await hands(OperatorRules(keeping=Keeping(dead_tasks=2)))
    await queue_of(at)
    await died(at, "a", "b", "c")
    assert ids(await shelf(at)) == ["c", "b"]
    assert (await tally(at)).tasks == 2


async def test_the_oldest_go_first_when_they_are_too_large_and_what_never_fits_is_left_out() -> None:
    at = await hands(OperatorRules(keeping=Keeping(dead_bytes=10_000)))
    await queue_of(at)
    await died(at, "a", "b", "c", body=bytes(3000))
    await died(at, "huge", body=bytes(20_000))
    assert ids(await shelf(at)) == ["c", "b"]
    assert (await tally(at)).size <= 10_000


async def test_dead_tasks_expire() -> None:
    at = await hands()
    await queue_of(at)
    await died(at, "a")
    for days, left in ((6, 1), (1, 0)):
        at.clock.advance(timedelta(days=days))
        now = at.clock.now()
        await at.store.write(lambda tx, now=now: sweep(tx, Walk(), now))  # type: ignore[misc]
        assert len(await shelf(at)) == (await tally(at)).tasks == left


async def test_a_queue_may_keep_none_or_fewer_than_the_settings_say() -> None:
    at = await hands()
    await queue_of(at)
    off = QueueOptions(DeadLetterOptions(keep_for=timedelta()), AttemptOptions(Keep.NONE))
    await at.engine.options.update(QUEUE, lambda _: off)
    await died(at, "a")
    assert await shelf(at) == []
    assert [event.shelved for event in at.notes.events if isinstance(event, TaskDied)] == [False]
    assert rows(at, "attempts") == 0


async def test_a_full_disk_gives_tasks_up_without_a_shelf() -> None:
    at = await hands()
    await queue_of(at)
    await created(at, "a")
    at.network.answer = lambda _: FAILURE
    at.store._transaction.has_room = lambda: False
    await tried(at, "a")
    assert await shelf(at) == []
    assert await task_ids(at) == []


async def test_groups_count_what_failed_alike() -> None:
    at = await hands()
    await queue_of(at)
    await died(at, "a", "b")
    await died(at, "c", outcome=Outcome(reason="connection refused"))
    await died(at, "d", outcome=Outcome(timed_out=True))
    groups = await at.engine.dead_letters.group(QUEUE)
    assert (groups[0].error_group.text, groups[0].count) == ("HTTP 503 from handler.test", 2)
    assert {group.error_group.text for group in groups[1:]} == {
        "connection refused from handler.test",
        "timed out from handler.test",
    }


async def test_a_dead_task_is_deleted_once() -> None:
    at = await hands()
    await queue_of(at)
    await died(at, "a")
    (dead,) = await shelf(at)
    await at.engine.dead_letters.delete(QUEUE, dead.id)
    assert await shelf(at) == []
    assert await refused(at.engine.dead_letters.delete(QUEUE, dead.id)) is Code.NOT_FOUND
    assert await refused(at.engine.dead_letters.get(QUEUE, dead.id)) is Code.NOT_FOUND


async def test_lists_come_in_pages_newest_first() -> None:
    at = await hands()
    await queue_of(at)
    await died(at, *(f"t{number}" for number in range(5)))
    first = await at.engine.dead_letters.list(QUEUE, None, 2)
    second = await at.engine.dead_letters.list(QUEUE, first.go_on, 2, lambda dead: dead.task.name.task != "t2")
    assert ids(first.chosen) == ["t4", "t3"]
    assert ids(second.chosen) == ["t1", "t0"]
    assert second.go_on is None


async def test_the_attempts_of_a_dead_task_are_found_by_its_name() -> None:
    at = await hands()
    await queue_of(at)
    await died(at, "a")
    (kept,) = await at.engine.attempts.list(QUEUE.task("a"))
    assert kept.record.outcome is AttemptOutcome.FAILED
    assert kept.record.exchange.request.url == "http://handler.test/path?token=***"
