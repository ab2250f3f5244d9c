"""Which tasks a filter chooses, and between which IDs they lie."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.core.errors import Code, InvalidArgument
from tidegate.core.names import QueueName
from tidegate.core.task import AppEngineRequest, Attempt, HttpRequest, PullMessage, Status, Target, Task
from tidegate.core.task_filter import TimeRange, id_range, schedule_range, task_chooser

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
QUEUE = QueueName.of("p", "l", "q")
MAIL = HttpRequest("https://mail.test:8080/send?x=1")


def task(task_id: str = "mail-1", target: Target = MAIL, **more: object) -> Task:
    failed = Attempt(NOON, NOON, NOON + timedelta(seconds=1), Status(Code.UNAVAILABLE, "HTTP status code 503"), 503)
    given = {"dispatch_count": 3, "response_count": 1, "last_attempt": failed, "first_dispatch_time": NOON, **more}
    return Task(name=QUEUE.task(task_id), target=target, schedule_time=NOON, create_time=NOON, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mail",
        "name:tasks/mail",
        "task_id=mail-1",
        'create_time>="2026-03-01T12:00:00Z"',
        'scheduleTime<"2026-03-01T12:00:00.000001Z"',
        "dispatch_count>=3 response_count=1",
        "last_status=UNAVAILABLE",
        "last_http_status=503",
        "url_host=mail.test",
        "url:send",
        "http_request.url:send",
        "last_attempt.response_status.code=14",
        "last_attempt.response_status.message:503",
        'last_attempt.response_time>"2026-03-01T12:00:00Z"',
        'first_attempt.dispatch_time="2026-03-01T12:00:00Z"',
        "NOT tag:x -url_host:other",
    ],
)
def test_a_task_that_fits_is_chosen(text: str) -> None:
    assert task_chooser(text)(task())


@pytest.mark.parametrize(
    "text",
    ["letter", "task_id=mail", "dispatch_count>3", "last_status=OK", "url_host=mail", "tag:x", "pull_message.tag:*"],
)
def test_a_task_that_does_not_is_not(text: str) -> None:
    assert not task_chooser(text)(task())


def test_tasks_without_attempts_or_of_other_kinds_have_less() -> None:
    fresh = task(last_attempt=None, first_dispatch_time=None, target=PullMessage("red"))
    assert task_chooser("tag=red pull_message.tag=red")(fresh)
    assert task_chooser("url_host=''  OR NOT last_attempt:*")(fresh)
    assert task_chooser("app_engine_http_request.relative_uri=/x")(task(target=AppEngineRequest(relative_uri="/x")))
    assert not task_chooser("url_host:a")(task(target=HttpRequest("http://[::1")))


@pytest.mark.parametrize("text", ["nothing=1", "dispatch_count=many", "last_status=503", "http_request:*=", "(a"])
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        task_chooser(text)


IDS = st.text("-0Aaz_", min_size=1, max_size=4)


@given(IDS, IDS, st.sampled_from([">", ">="]), st.sampled_from(["<", "<="]), st.lists(IDS))
def test_outside_of_the_range_no_task_is_chosen(low: str, high: str, over: str, under: str, ids: list[str]) -> None:
    text = f'task_id{over}"{low}" taskId{under}"{high}" dispatch_count>0'
    within, chooses = id_range(text), task_chooser(text)
    for each in [*ids, low, high]:
        inside = each > within.after and (not within.before or each < within.before)
        assert inside == chooses(task(each))


@pytest.mark.parametrize("text", ["", "mail", "task_id>a OR name:b", "NOT task_id>a", "task_id=a", "task_id:a"])
def test_where_nothing_is_demanded_of_the_id_all_are_looked_at(text: str) -> None:
    assert (id_range(text).after, id_range(text).before) == ("", "")


@pytest.mark.parametrize(
    ("text", "earliest", "latest"),
    [
        ("", None, None),
        ('schedule_time>"1970-01-01T00:00:01Z"', 1_000_000, None),
        ('scheduleTime<="1970-01-01T00:00:01.5Z" task_id:a', None, 1_500_000),
        ('schedule_time>="1970-01-01T00:00:01Z" schedule_time>"1970-01-01T00:00:02Z"', 2_000_000, None),
        ('schedule_time>"1970-01-01T00:00:01Z" OR task_id:a', None, None),
        ('NOT schedule_time>"1970-01-01T00:00:01Z"', None, None),
        ('create_time>"1970-01-01T00:00:01Z"', None, None),
        ("schedule_time:*", None, None),
    ],
)
def test_schedule_times_outside_of_the_range_are_chosen_by_no_part(
    text: str, earliest: int | None, latest: int | None
) -> None:
    assert schedule_range(text) == TimeRange(earliest, latest)
