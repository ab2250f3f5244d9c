"""Workers and the tasks they hold."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.engine.worlds import MINUTE, Hands, hands

from tidegate.core.errors import FailedPrecondition, InvalidArgument, NotFound
from tidegate.core.lease import LeaseFilter
from tidegate.core.lifecycle import Outcome
from tidegate.core.names import QueueName
from tidegate.core.queue import UNLIMITED_ATTEMPTS, Kind, Queue, RetryConfig
from tidegate.core.task import Task
from tidegate.core.times import micros
from tidegate.core.validation import HttpDraft, PullDraft, TaskDraft, check_task
from tidegate.engine import leases
from tidegate.engine.ports.events import TasksAcknowledged, TasksLeased

QUEUE = QueueName.of("p", "l", "pull")
ANY = LeaseFilter()


async def pull_queue(at: Hands, attempts: int = 100) -> None:
    await at.engine.queues.create(Queue(name=QUEUE, kind=Kind.PULL, retry_config=RetryConfig(max_attempts=attempts)))


async def put(at: Hands, task_id: str, tag: str = "", payload: bytes = b"", retry: RetryConfig | None = None) -> None:
    draft = TaskDraft(name=QUEUE.task(task_id), target=PullDraft(payload, tag), retry_config=retry)
    await at.engine.tasks.create(QUEUE, check_task(draft, QUEUE, at.clock.now()))


async def lease(at: Hands, wanted: LeaseFilter = ANY, limit: int = 10) -> list[Task]:
    return list(await at.engine.leases.lease(QUEUE, wanted, limit, MINUTE))


def names(tasks: list[Task]) -> list[str]:
    return [task.name.task for task in tasks]


def held(task: Task) -> tuple[int, int]:
    seconds, rest = divmod(micros(task.schedule_time), 1_000_000)
    return seconds, rest * 1000


async def test_tasks_are_leased_oldest_first_and_not_again_while_the_lease_runs() -> None:
    at = await hands()
    await pull_queue(at)
    for task_id in ("b", "a", "c"):
        at.clock.advance(timedelta(seconds=1))
        await put(at, task_id, payload=b"load")
    first = await lease(at, limit=2)
    assert names(first) == ["b", "a"]
    assert first[0].body == b"load"
    assert {task.schedule_time for task in first} == {at.clock.now() + MINUTE}
    assert {task.dispatch_count for task in first} == {1}
    assert names(await lease(at)) == ["c"]
    assert await lease(at) == []


async def test_listeners_are_told_how_many_tasks_were_leased_and_acknowledged() -> None:
    at = await hands()
    await pull_queue(at)
    await put(at, "a")
    await put(at, "b")
    first, _ = await lease(at)
    await at.engine.leases.acknowledge(first.name, held(first))
    with pytest.raises(NotFound):
        await at.engine.leases.acknowledge(first.name, held(first))
    assert await lease(at) == []
    told = [event for event in at.notes.events if isinstance(event, TasksLeased | TasksAcknowledged)]
    assert told == [TasksLeased(QUEUE, 2), TasksAcknowledged(QUEUE, 1)]


async def test_an_expired_lease_lets_the_task_be_leased_again() -> None:
    at = await hands()
    await pull_queue(at)
    await put(at, "a")
    assert names(await lease(at)) == ["a"]
    at.clock.advance(MINUTE - timedelta(microseconds=1))
    assert await lease(at) == []
    at.clock.advance(timedelta(microseconds=1))
    (again,) = await lease(at)
    assert again.dispatch_count == 2


async def test_a_task_whose_last_lease_ran_out_is_gone() -> None:
    at = await hands()
    await pull_queue(at, attempts=2)
    await put(at, "a")
    for _ in range(2):
        assert names(await lease(at, limit=1)) == ["a"]
        at.clock.advance(MINUTE)
    await put(at, "b")
    assert names(await lease(at, limit=1)) == ["b"]
    with pytest.raises(NotFound, match="existed recently"):
        await at.engine.tasks.get(QUEUE.task("a"), body=False)


async def test_a_lease_clears_away_only_so_many_tasks_that_were_leased_too_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(leases, "CLEARED_AT_ONCE", 10)
    monkeypatch.setattr(leases, "CLEARINGS", 3)
    at = await hands()
    await pull_queue(at, attempts=1)
    for number in range(50):
        await put(at, f"{number:02}")
    assert len(await lease(at, limit=50)) == 50
    at.clock.advance(MINUTE)
    await put(at, "new")
    left = []
    while not (found := await lease(at, limit=1)):
        left.append((await at.engine.queues.stats([QUEUE]))[QUEUE].tasks)
    assert names(found) == ["new"]
    assert left == [30]


async def test_a_worker_leases_by_tag_or_by_the_oldest_tag() -> None:
    at = await hands()
    await pull_queue(at)
    for task_id, tag in (("1", "x"), ("2", ""), ("3", "x"), ("4", "y")):
        at.clock.advance(timedelta(seconds=1))
        await put(at, task_id, tag)
    assert names(await lease(at, LeaseFilter(tag="y"))) == ["4"]
    assert names(await lease(at, LeaseFilter(oldest=True))) == ["1", "3"]
    assert names(await lease(at, LeaseFilter(oldest=True))) == ["2"]
    assert await lease(at, LeaseFilter(oldest=True)) == []


async def test_the_oldest_tag_is_that_of_a_task_that_can_still_be_leased() -> None:
    at = await hands()
    await pull_queue(at, attempts=1)
    await put(at, "spent", "x")
    await lease(at)
    await put(at, "2", "y")
    at.clock.advance(MINUTE)
    await put(at, "3", "x")
    await put(at, "4", "y")
    assert names(await lease(at, LeaseFilter(oldest=True))) == ["2", "4"]


async def test_the_limit_of_a_task_of_its_own_takes_the_place_of_its_queues() -> None:
    at = await hands()
    await pull_queue(at, attempts=2)
    await put(at, "once", retry=RetryConfig(max_attempts=1))
    await put(at, "often", retry=RetryConfig(max_attempts=UNLIMITED_ATTEMPTS))
    leased = []
    for _ in range(3):
        leased.append(names(await lease(at)))
        at.clock.advance(MINUTE)
    assert leased == [["once", "often"], ["often"], ["often"]]


async def test_no_more_payload_is_leased_at_once_than_an_answer_may_hold() -> None:
    at = await hands()
    await pull_queue(at)
    for number in range(40):
        await put(at, f"{number:02}", payload=b"x" * 1_000_000)
    first = await lease(at, limit=1000)
    assert len(first) == 33  # of 32 MiB
    assert len(await lease(at, limit=1000)) == 7


async def test_only_its_holder_acknowledges_renews_or_cancels_a_task() -> None:
    at = await hands()
    await pull_queue(at)
    await put(at, "a")
    name = QUEUE.task("a")
    unleased = await at.engine.tasks.get(name, body=False)
    for wrong in (held(unleased), (0, 0)):
        with pytest.raises(FailedPrecondition, match="expired or is held by another worker"):
            await at.engine.leases.acknowledge(name, wrong)
    (mine,) = await lease(at)
    at.clock.advance(MINUTE / 2)
    renewed = await at.engine.leases.renew(name, held(mine), 2 * MINUTE)
    assert renewed.schedule_time == at.clock.now() + 2 * MINUTE
    with pytest.raises(FailedPrecondition):
        await at.engine.leases.cancel(name, held(mine))
    cancelled = await at.engine.leases.cancel(name, held(renewed))
    assert cancelled.schedule_time == at.clock.now()
    (other,) = await lease(at)
    with pytest.raises(FailedPrecondition):
        await at.engine.leases.acknowledge(name, held(renewed))
    await at.engine.leases.acknowledge(name, held(other))
    with pytest.raises(NotFound):
        await at.engine.leases.acknowledge(name, held(other))


async def test_a_lease_that_ran_out_can_no_longer_be_acknowledged() -> None:
    at = await hands()
    await pull_queue(at)
    await put(at, "a")
    (mine,) = await lease(at)
    at.clock.advance(MINUTE)
    with pytest.raises(FailedPrecondition):
        await at.engine.leases.acknowledge(mine.name, held(mine))


async def test_a_push_task_is_nobodys_to_hold_though_it_was_dispatched_and_is_due_later() -> None:
    at = await hands()
    await at.engine.queues.create(Queue(name=QUEUE))
    draft = TaskDraft(name=QUEUE.task("a"), target=HttpDraft("http://handler.test/"))
    await at.engine.tasks.create(QUEUE, check_task(draft, QUEUE, at.clock.now()))
    at.network.answer = lambda _: Outcome(http_status=500)
    await at.engine.tasks.run(QUEUE.task("a"))
    await at.engine.dispatcher.drain(MINUTE)
    waiting = await at.engine.tasks.get(QUEUE.task("a"), body=False)
    assert waiting.schedule_time > at.clock.now()
    with pytest.raises(NotFound):
        await at.engine.leases.acknowledge(waiting.name, held(waiting))
    with pytest.raises(NotFound):
        await at.engine.leases.renew(waiting.name, held(waiting), MINUTE)
    assert await at.engine.tasks.get(QUEUE.task("a"), body=False) == waiting


async def test_a_paused_queue_and_a_push_queue_refuse() -> None:
    at = await hands()
    await pull_queue(at)
    await at.engine.queues.pause(QUEUE)
    with pytest.raises(FailedPrecondition):
        await lease(at)
    push = replace(Queue(name=QueueName.of("p", "l", "push")))
    await at.engine.queues.create(push)
    with pytest.raises(InvalidArgument):
        await at.engine.leases.lease(push.name, ANY, 1, MINUTE)


async def test_many_workers_at_once_never_hold_one_task_together() -> None:
    at = await hands()
    await pull_queue(at)
    await asyncio.gather(*[put(at, f"{number}") for number in range(100)])
    leased = await asyncio.gather(*[lease(at, limit=7) for _ in range(16)])
    taken = [name for tasks in leased for name in names(tasks)]
    assert sorted(taken, key=int) == [str(number) for number in range(100)]
