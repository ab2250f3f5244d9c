"""Queues in numbers: what is counted, and lists in an order."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.api.operator.living import QUEUE, Life, lived

from tidegate.core.errors import InvalidArgument, NotFound
from tidegate.core.lease import LeaseFilter
from tidegate.core.names import QueueName
from tidegate.core.queue import Kind, Queue, RateLimits, State
from tidegate.core.task import PullMessage
from tidegate.core.validation import PullDraft, TaskDraft, check_task
from tidegate.schema import v2beta3
from tidegate.schema.operator import Operator

MINUTE = timedelta(minutes=1)
LOCATION = QUEUE.parent


async def status(life: Life, queue: QueueName = QUEUE) -> Any:
    return await life.call(Operator.get_queue_status, name=f"{queue}/status")


async def names(life: Life, **asked: Any) -> list[str]:
    page = await life.call(Operator.list_queue_statuses, parent=LOCATION, **asked)
    return [each.name.split("/")[5] for each in page.statuses]


def test_a_queue_is_counted_by_what_its_tasks_wait_for() -> None:
    async def story(life: Life) -> None:
        life.network.seconds = 600
        await life.create("under-way")
        await asyncio.sleep(1)
        await life.engine.queues.pause(QUEUE)
        await life.create("due")
        await life.create("later", MINUTE)
        await life.create("last", 2 * MINUTE)
        await asyncio.sleep(3)
        found = await status(life)
        assert found.name == f"{QUEUE}/status"
        assert (found.depth, found.due, found.scheduled, found.in_flight) == (4, 1, 2, 1)
        assert (found.state, found.type_) == (v2beta3.Queue.State.PAUSED, v2beta3.Queue.Type.PUSH)
        assert found.blocked_by.code.name == "QUEUE_PAUSED"
        assert found.oldest_due_age == timedelta(seconds=3)
        assert found.next_due_time == life.clock.now() - timedelta(seconds=3)
        assert found.throttle_factor == 1
        assert found.ramp_limit == 0

    lived(story)


def test_an_idle_queue_has_a_full_bucket_and_nothing_due() -> None:
    async def story(life: Life) -> None:
        found = await status(life)
        assert (found.depth, found.tokens) == (0, 10)
        assert "next_due_time" not in found
        assert "oldest_due_age" not in found
        assert "tokens_full_time" not in found
        assert "blocked_by" not in found

    lived(story, Queue(name=QUEUE, rate_limits=RateLimits(5, 10, 1)))


def test_an_empty_bucket_says_when_it_is_full_again() -> None:
    async def story(life: Life) -> None:
        for number in range(20):
            await life.create(f"t{number}")
        await asyncio.sleep(0)
        found = await status(life)
        assert found.tokens == pytest.approx(0)
        assert found.due == 10
        assert found.blocked_by.code.name == "RATE_LIMITED"
        assert found.tokens_full_time - life.clock.now() == pytest.approx(timedelta(seconds=2), abs=MINUTE / 600)

    lived(story, Queue(name=QUEUE, rate_limits=RateLimits(5, 10, 1000)))


def test_leased_tasks_of_a_pull_queue_are_counted_apart() -> None:
    async def story(life: Life) -> None:
        for task_id in ("a", "b", "c"):
            draft = TaskDraft(name=QUEUE.task(task_id), target=PullDraft(b"x", ""))
            await life.engine.tasks.create(QUEUE, check_task(draft, QUEUE, life.clock.now()))
        leased = await life.engine.leases.lease(QUEUE, LeaseFilter(), 2, timedelta(seconds=60))
        assert all(isinstance(task.target, PullMessage) for task in leased)
        found = await status(life)
        assert (found.depth, found.leased, found.due, found.scheduled) == (3, 2, 1, 0)
        assert found.type_ == v2beta3.Queue.Type.PULL

    lived(story, Queue(name=QUEUE, kind=Kind.PULL))


def test_a_queue_that_is_not_there_is_not_found() -> None:
    async def story(life: Life) -> None:
        with pytest.raises(NotFound):
            await status(life, QueueName.of("p", "us-central1", "none"))

    lived(story)


async def with_queues(life: Life) -> None:
    for number, state in enumerate((State.RUNNING, State.PAUSED, State.PAUSED)):
        name = QueueName.of("p", "us-central1", f"q{number}")
        await life.engine.queues.create(Queue(name=name, state=state))
        for task in range(number):
            await life.create(f"t{task}", MINUTE, name)


def test_a_list_is_by_name_filtered_and_in_pages() -> None:
    async def story(life: Life) -> None:
        await with_queues(life)
        assert await names(life) == ["q", "q0", "q1", "q2"]
        assert await names(life, filter="state=PAUSED scheduled>1") == ["q2"]
        first = await life.call(Operator.list_queue_statuses, parent=LOCATION, page_size=3)
        assert await names(life, page_size=3, page_token=first.next_page_token) == ["q2"]
        assert await names(life, filter="due>100") == []

    lived(story)


def test_a_long_list_is_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidegate.engine.numbers.AT_ONCE", 2)
    monkeypatch.setattr("tidegate.engine.numbers.READING", -1)  # the store is given back after each part

    async def story(life: Life) -> None:
        await with_queues(life)
        assert await names(life) == ["q", "q0", "q1", "q2"]
        assert await names(life, order_by="name desc") == ["q2", "q1", "q0", "q"]
        assert await names(life, page_size=3) == ["q", "q0", "q1"]
        assert await names(life, filter="name:q2 OR name:q0") == ["q0", "q2"]
        everywhere = await life.call(Operator.list_queue_statuses, parent="projects/-/locations/-")
        assert len(everywhere.statuses) == 4

    lived(story)


def test_a_list_in_another_order_is_in_pages_too() -> None:
    async def story(life: Life) -> None:
        await with_queues(life)
        assert await names(life, order_by="depth desc") == ["q2", "q1", "q", "q0"]
        assert await names(life, order_by="state desc, name desc") == ["q2", "q1", "q0", "q"]
        first = await life.call(Operator.list_queue_statuses, parent=LOCATION, order_by="depth desc", page_size=3)
        asked = {"order_by": "depth desc", "page_size": 3, "page_token": first.next_page_token}
        last = await life.call(Operator.list_queue_statuses, parent=LOCATION, **asked)
        assert [each.name.split("/")[5] for each in last.statuses] == ["q0"]
        assert last.next_page_token == ""

    lived(story)


@pytest.mark.parametrize(
    "asked",
    [
        {"order_by": "nothing"},
        {"order_by": "rates"},
        {"order_by": "name,"},
        {"order_by": ","},
        {"order_by": "name up"},
        {"order_by": ",".join(["name"] * 11)},
        {"order_by": "x" * 2000},
        {"filter": "nothing=1"},
        {"page_size": -1},
        {"page_token": "x"},
    ],
)
def test_what_names_no_field_is_refused(asked: dict[str, Any]) -> None:
    async def story(life: Life) -> None:
        with pytest.raises(InvalidArgument):
            await names(life, **asked)

    lived(story)
