"""Tasks as bytes: the same message that is filled field by field."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tidegate.api.rpcs import DIALECTS
from tidegate.api.task_bytes import tag
from tidegate.api.views import BASIC, FULL, VIEW_UNSPECIFIED
from tidegate.core.names import QueueName
from tidegate.core.queue import AppEngineRouting, HttpMethod, OAuthToken, OidcToken, RetryConfig
from tidegate.core.task import AppEngineRequest, Attempt, HttpRequest, Task

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
QUEUE = QueueName("projects/p/locations/l/queues/q")
PLAIN = HttpRequest("http://handler/", HttpMethod.PUT, {"User-Agent": "Google-Cloud-Tasks", "X-A": "b"})
TARGETS = [
    PLAIN,
    HttpRequest("https://handler/" + "a" * 300, HttpMethod.POST, {}, OidcToken("a@b", "audience")),
    HttpRequest("https://x.googleapis.com/", HttpMethod.POST, {}, OAuthToken("a@b", "scope")),
    AppEngineRequest(HttpMethod.POST, "/path", {"A": "b"}, AppEngineRouting("s", "v", "i", "host")),
]


def made(target, **fields) -> Task:
    return Task(**{"name": QUEUE.task("t"), "target": target, "schedule_time": NOON, "create_time": NOON, **fields})


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: type(dialect).__name__)
@pytest.mark.parametrize("view", [VIEW_UNSPECIFIED, BASIC, FULL])
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: type(target).__name__)
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"dispatch_deadline": timedelta(seconds=20, milliseconds=123), "body": b"b" * 200},
        {"name": QUEUE.task("n" * 500), "schedule_time": NOON + timedelta(days=30, microseconds=1)},
        {"retry_config": RetryConfig()},
        {"dispatch_count": 2, "response_count": 1, "first_dispatch_time": NOON, "last_attempt": Attempt(NOON, NOON)},
        {"dispatch_count": 1, "first_dispatch_time": NOON, "dispatched_at": NOON},
    ],
    ids=["plain", "body", "long name", "retries", "attempted", "under way"],
)
def test_the_bytes_are_those_of_the_message(dialect, view, target, fields) -> None:
    task = made(target, **fields)
    for _ in range(2):  # made, then remembered
        message = dialect.messages.Task.FromString(dialect.task_bytes(task, view))
        assert message == dialect.write_task(task, view, dialect.messages.Task())


def test_tasks_of_one_target_each_keep_what_is_their_own() -> None:
    (v2, *_) = DIALECTS
    tasks = [
        made(PLAIN, name=QUEUE.task(f"t{number}"), dispatch_deadline=timedelta(seconds=15 + number))
        for number in range(3)
    ]
    for task in (*tasks, *tasks):
        message = v2.messages.Task.FromString(v2.task_bytes(task, BASIC))
        assert message.name == task.name
        assert message.dispatch_deadline.ToTimedelta() == task.dispatch_deadline


def test_tasks_as_a_repeated_field_are_each_as_they_are_alone() -> None:
    (v2, *_) = DIALECTS
    tasks = [
        (made(PLAIN), BASIC),
        (made(PLAIN, name=QUEUE.task("longer")), BASIC),
        (made(PLAIN, name=QUEUE.task("longer"), body=b"body"), FULL),  # filled field by field
        (made(PLAIN, name=QUEUE.task("n" * 500)), VIEW_UNSPECIFIED),
        (made(TARGETS[1], name=QUEUE.task("n" * 500)), BASIC),
    ]
    message = v2.messages.ListTasksResponse()
    field = tag(message.DESCRIPTOR.fields_by_name["tasks"].number)
    message.MergeFromString(v2.task_bytes.repeated(field, tasks * 2))
    alone = [v2.messages.Task.FromString(v2.task_bytes(task, view)) for task, view in tasks]
    assert list(message.tasks) == alone * 2
