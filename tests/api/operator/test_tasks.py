"""Tasks found by a filter, their requests as text, and what settings would mean for them."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from tests.api.operator.living import QUEUE, Life, lived

from tidegate.api.operator import search
from tidegate.core.errors import FailedPrecondition, InvalidArgument, NotFound
from tidegate.core.lifecycle import Outcome
from tidegate.core.queue import HttpTarget, Kind, OidcToken, Queue, RateLimits, RetryConfig
from tidegate.core.times import Duration
from tidegate.core.validation import HttpDraft, PullDraft, TaskDraft, check_task
from tidegate.schema import v2beta3
from tidegate.schema.operator import Operator, RenderRequestRequest

HOUR = timedelta(hours=1)
Format = RenderRequestRequest.Format


async def found(life: Life, **asked: Any) -> list[str]:
    page = await life.call(Operator.search_tasks, parent=QUEUE, **asked)
    return [task.name.rpartition("/")[2] for task in page.tasks]


async def ten(life: Life) -> None:
    for number in range(10):
        await life.create(f"t{number}", HOUR * (number + 1))


# Search


def test_a_search_finds_what_the_filter_chooses_in_pages() -> None:
    async def story(life: Life) -> None:
        await ten(life)
        assert await found(life) == [f"t{number}" for number in range(10)]
        after = life.clock.now() + HOUR * 8
        assert await found(life, filter=f'schedule_time>"{after:%Y-%m-%dT%H:%M:%SZ}"') == ["t8", "t9"]
        first = await life.call(Operator.search_tasks, parent=QUEUE, filter="task_id:t", page_size=4)
        assert (len(first.tasks), first.scanned) == (4, 4)
        assert await found(life, filter="task_id:t", page_token=first.next_page_token) == [
            f"t{n}" for n in range(4, 10)
        ]
        with pytest.raises(InvalidArgument):
            await found(life, filter="task_id:x", page_token=first.next_page_token)

    lived(story)


def test_a_search_between_ids_looks_at_nothing_else() -> None:
    async def story(life: Life) -> None:
        await ten(life)
        page = await life.call(Operator.search_tasks, parent=QUEUE, filter='task_id>="t3" task_id<"t5"')
        assert ([task.name[-2:] for task in page.tasks], page.scanned) == (["t3", "t4"], 2)

    lived(story)


def test_a_search_that_finds_nothing_goes_on_with_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "SCANNED_MAX", 4)
    monkeypatch.setattr(search, "STEP", 2)

    async def story(life: Life) -> None:
        await ten(life)
        asked = {"parent": QUEUE, "filter": "task_id=t9"}
        pages = [await life.call(Operator.search_tasks, **asked)]
        while pages[-1].next_page_token:
            pages.append(await life.call(Operator.search_tasks, **asked, page_token=pages[-1].next_page_token))
        assert [len(page.tasks) for page in pages] == [0, 0, 1]
        assert [page.scanned for page in pages] == [4, 4, 2]

    lived(story)


async def in_order(life: Life, order_by: str, **asked: Any) -> list[str]:
    """The tasks of pages of three."""
    names: list[str] = []
    token = ""
    while True:
        page = await life.call(
            Operator.search_tasks, parent=QUEUE, order_by=order_by, page_size=3, page_token=token, **asked
        )
        names += [task.name.rpartition("/")[2] for task in page.tasks]
        token = page.next_page_token
        if not token:
            return names


def test_a_search_goes_by_schedule_times_both_ways() -> None:
    async def story(life: Life) -> None:
        hours = {"a": 5, "b": 2, "c": 9, "d": 2, "e": 7, "f": 1, "g": 4}
        for name, ahead in hours.items():
            await life.create(name, HOUR * ahead)
        assert await in_order(life, "schedule_time") == [*"fbdgaec"]  # b was created before d
        assert await in_order(life, "schedule_time desc") == [*"ceagdbf"]
        assert await in_order(life, "schedule_time DESC", filter='task_id<="c"') == [*"cab"]
        assert await in_order(life, "name") == await in_order(life, "") == [*"abcdefg"]
        by_time = await life.call(Operator.search_tasks, parent=QUEUE, order_by="schedule_time", page_size=1)
        for refused in ({"order_by": "schedule_time desc"}, {}):
            with pytest.raises(InvalidArgument, match="page_token"):
                await found(life, page_token=by_time.next_page_token, **refused)
        for order_by in ("name desc", "create_time", "schedule_time up", "schedule_time, name"):
            with pytest.raises(InvalidArgument, match="order_by must be"):
                await found(life, order_by=order_by)

    lived(story)


def test_a_search_by_schedule_times_looks_only_where_the_filter_can_choose() -> None:
    async def story(life: Life) -> None:
        await ten(life)  # an hour apart
        await life.engine.queues.pause(QUEUE)
        after = life.clock.now() + HOUR * 8
        now = life.clock.now() + HOUR * 3
        for wanted, names, scanned in (
            (f'schedule_time>="{after:%Y-%m-%dT%H:%M:%SZ}"', ["t7", "t8", "t9"], 3),
            (f'schedule_time>"{after:%Y-%m-%dT%H:%M:%SZ}" task_id:t', ["t8", "t9"], 3),
            (f'schedule_time<="{now:%Y-%m-%dT%H:%M:%SZ}"', ["t0", "t1", "t2"], 3),
            (f'schedule_time<"{after:%Y-%m-%dT%H:%M:%SZ}" schedule_time>"{now:%Y-%m-%dT%H:%M:%SZ}"', [*"3456"], 6),
        ):
            page = await life.call(Operator.search_tasks, parent=QUEUE, order_by="schedule_time", filter=wanted)
            assert [task.name[-2:].lstrip("t") for task in page.tasks] == [name.lstrip("t") for name in names]
            assert page.scanned == scanned, wanted
            assert page.next_page_token == ""

    lived(story)


def test_only_the_full_view_has_bodies() -> None:
    async def story(life: Life) -> None:
        draft = TaskDraft(name=QUEUE.task("b"), target=HttpDraft("http://h.test/", body=b"body"))
        new = check_task(draft, QUEUE, life.clock.now())
        await life.engine.queues.pause(QUEUE)
        await life.engine.tasks.create(QUEUE, new)
        for view, body in ((v2beta3.Task.View.BASIC, b""), (v2beta3.Task.View.FULL, b"body")):
            page = await life.call(Operator.search_tasks, parent=QUEUE, response_view=view)
            assert page.tasks[0].http_request.body == body
            assert page.tasks[0].view == view

    lived(story)


def test_a_search_in_no_queue_or_by_no_filter_is_refused() -> None:
    async def story(life: Life) -> None:
        with pytest.raises(NotFound):
            await life.call(Operator.search_tasks, parent=f"{QUEUE}x")
        for asked in ({"filter": "body:x"}, {"page_size": -1}, {"page_token": "!"}, {"filter": "x" * 9000}):
            with pytest.raises(InvalidArgument):
                await found(life, **asked)

    lived(story)


# Requests as text


async def rendered(life: Life, **asked: Any) -> str:
    answer = await life.call(Operator.render_request, name=QUEUE.task("t"), **asked)
    return str(answer.text)


def test_the_next_attempt_is_rendered_as_it_would_be_sent() -> None:
    async def story(life: Life) -> None:
        await life.create("t", HOUR)
        text = await rendered(life, format=Format.HTTP)
        assert text.startswith("POST / HTTP/1.1\r\nHost: handler.test\r\n")
        assert "X-CloudTasks-TaskRetryCount: 0\r\n" in text
        assert "Authorization: ***\r\n" in text
        assert (await rendered(life)).startswith("curl ")
        assert "urllib.request" in await rendered(life, format=Format.PYTHON)
        assert json.loads(await rendered(life, format=Format.HAR))["log"]["entries"]
        assert life.sent == []

    token = OidcToken("caller@p.test")
    lived(story, Queue(name=QUEUE, http_target=HttpTarget(token=token)))


def test_an_attempt_of_the_past_is_rendered_if_it_was_kept() -> None:
    async def story(life: Life) -> None:
        life.network.answer = lambda _: Outcome(http_status=503)
        await life.create("t")
        await asyncio.sleep(5)
        assert "X-CloudTasks-TaskRetryCount: 0\r\n" in await rendered(life, format=Format.HTTP, attempt=1)
        assert "X-CloudTasks-TaskRetryCount: 1\r\n" in await rendered(life, format=Format.HTTP, attempt=2)
        with pytest.raises(NotFound):
            await rendered(life, attempt=7)

    lived(story, Queue(name=QUEUE, retry_config=RetryConfig(-1, Duration(), Duration(100), Duration(100), 0)))


def test_what_has_no_request_or_is_no_format_is_refused() -> None:
    async def story(life: Life) -> None:
        with pytest.raises(NotFound):
            await rendered(life)
        draft = TaskDraft(name=QUEUE.task("t"), target=PullDraft(b"x", ""))
        await life.engine.tasks.create(QUEUE, check_task(draft, QUEUE, life.clock.now()))
        with pytest.raises(FailedPrecondition, match="leased, not sent"):
            await rendered(life)
        for asked in ({"format": 9}, {"attempt": -1}):
            with pytest.raises(InvalidArgument):
                await rendered(life, **asked)

    lived(story, Queue(name=QUEUE, kind=Kind.PULL))


# Previews


async def preview(life: Life, **asked: Any) -> Any:
    return await life.call(Operator.preview_retries, queue=QUEUE, **asked)


def test_a_preview_is_of_the_queues_settings_unless_others_are_given() -> None:
    async def story(life: Life) -> None:
        own = await preview(life, backlog=110)
        assert [attempt.at.total_seconds() for attempt in own.attempts] == [0, 10, 20]
        assert [attempt.number for attempt in own.attempts] == [1, 2, 3]
        assert own.gives_up_at == timedelta(seconds=20)
        assert own.drain_time == timedelta(seconds=20)
        tried = await preview(
            life,
            retry_config={"max_attempts": -1, "min_backoff": timedelta(seconds=1), "max_doublings": 1},
            rate_limits={"max_dispatches_per_second": 50, "max_burst_size": 10},
            backlog=110,
        )
        assert [attempt.at.total_seconds() for attempt in tried.attempts][:4] == [0, 1, 3, 7]
        assert "gives_up_at" not in tried
        assert tried.drain_time == timedelta(seconds=2)
        assert (await life.engine.queues.get(QUEUE)).rate_limits.max_dispatches_per_second == 5

    retry = RetryConfig(3, Duration(), Duration(10), Duration(10), 0)
    lived(story, Queue(name=QUEUE, rate_limits=RateLimits(5, 10, 1), retry_config=retry))


def test_without_a_backlog_it_is_that_of_the_queue() -> None:
    async def story(life: Life) -> None:
        await ten(life)
        assert (await preview(life)).backlog == 10

    lived(story)


def test_a_preview_is_checked_as_an_update_would_be() -> None:
    async def story(life: Life) -> None:
        for asked in (
            {"rate_limits": {"max_dispatches_per_second": 501}},
            {"retry_config": {"max_attempts": -2}},
            {"backlog": -1},
        ):
            with pytest.raises(InvalidArgument):
                await preview(life, **asked)
        with pytest.raises(NotFound):
            await life.call(Operator.preview_retries, queue=f"{QUEUE}x")

    lived(story)
