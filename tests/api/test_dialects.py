"""One queue and one task, in the words of each version (schema, The same idea under different names)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from msgspec.structs import replace

from tidegate.api.handlers.queues import unset_queue
from tidegate.api.v2 import V2
from tidegate.api.v2beta2 import V2beta2
from tidegate.api.v2beta3 import V2beta3
from tidegate.api.views import BASIC, FULL
from tidegate.core.errors import Code, InvalidArgument
from tidegate.core.names import QueueName, TaskName
from tidegate.core.queue import (
    AppEngineRouting,
    Header,
    HttpTarget,
    Kind,
    OAuthToken,
    OidcToken,
    Queue,
    RateLimits,
    RetryConfig,
    State,
    UriOverride,
)
from tidegate.core.task import AppEngineRequest, Attempt, HttpRequest, PullMessage, Status, Task
from tidegate.core.times import Duration
from tidegate.core.validation import AppEngineDraft, PullDraft

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
NAME = QueueName.of("p", "l", "q")
DIALECTS = [V2(), V2beta3(), V2beta2()]
BETAS = DIALECTS[1:]
ROUTING = AppEngineRouting("worker", "v1", "1", "1.v1.worker.p.appspot.com")
TARGET = HttpTarget(
    UriOverride(2, "example.com", 0, "", "a=1", 2),
    4,
    (Header("X-A", "b"), Header("X-A", "")),
    OidcToken("a@b", "me"),
)
QUEUE = Queue(
    name=NAME,
    state=State.PAUSED,
    rate_limits=RateLimits(7.5, 12, 3),
    retry_config=RetryConfig(5, Duration(9), Duration(0, 7), Duration(70, 1), 2),
    task_ttl=timedelta(days=20),
    tombstone_ttl=timedelta(hours=2),
    purge_time=NOON,
)
TASK = Task(
    name=TaskName(f"{NAME}/tasks/t"),
    target=HttpRequest("https://a.b", 4, {"X-A": "b"}, OAuthToken("a@b", "all")),
    schedule_time=NOON + timedelta(seconds=5),
    create_time=NOON,
    dispatch_deadline=timedelta(seconds=20),
    retry_config=RetryConfig(-1),
    body=b"hello",
    dispatch_count=3,
    response_count=2,
    first_dispatch_time=NOON + timedelta(seconds=1),
    last_attempt=Attempt(NOON, NOON, NOON, Status(Code.UNAVAILABLE, "UNAVAILABLE(14): HTTP status code 503"), 503),
)


def shown(dialect, queue):
    return MessageToDict(dialect.write_queue(queue, dialect.messages.Queue()), preserving_proto_field_name=True)


def shown_task(dialect, task, view=FULL):
    return MessageToDict(dialect.write_task(task, view, dialect.messages.Task()), preserving_proto_field_name=True)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "queue",
    [QUEUE, replace(QUEUE, http_target=TARGET), replace(QUEUE, app_engine_routing=replace(ROUTING, host=""))],
)
def test_what_is_written_is_read_again(dialect, queue) -> None:
    message = dialect.write_queue(queue, dialect.messages.Queue())
    assert dialect.read_queue(message, queue) == queue
    fresh = dialect.read_queue(message, unset_queue(NAME))
    assert (fresh.retry_config, fresh.http_target) == (queue.retry_config, queue.http_target)


def test_v2_shows_a_queue() -> None:
    assert shown(V2(), replace(QUEUE, app_engine_routing=ROUTING, http_target=HttpTarget(), sampling_ratio=0.5)) == {
        "name": NAME,
        "state": "PAUSED",
        "purge_time": "2026-06-01T12:00:00Z",
        "rate_limits": {
            "max_dispatches_per_second": 7.5,
            "max_burst_size": 12,
            "max_concurrent_dispatches": 3,
        },
        "retry_config": {
            "max_attempts": 5,
            "max_retry_duration": "9s",
            "min_backoff": "0.000000007s",
            "max_backoff": "70.000000001s",
            "max_doublings": 2,
        },
        "app_engine_routing_override": {
            "service": "worker",
            "version": "v1",
            "instance": "1",
            "host": "1.v1.worker.p.appspot.com",
        },
        "http_target": {},
        "stackdriver_logging_config": {"sampling_ratio": 0.5},
    }


def test_v2beta3_adds_kind_and_lifetimes_and_sets_app_engine_apart() -> None:
    queue = replace(QUEUE, app_engine_routing=ROUTING)
    plain, beta = shown(V2(), queue), shown(V2beta3(), queue)
    assert beta.pop("type_") == "PUSH"
    assert (beta.pop("task_ttl"), beta.pop("tombstone_ttl")) == ("1728000s", "7200s")
    assert beta.pop("app_engine_http_queue") == {
        "app_engine_routing_override": plain.pop("app_engine_routing_override")
    }
    assert beta == plain
    assert "app_engine_http_queue" not in shown(V2beta3(), QUEUE)


def test_v2beta2_has_older_names() -> None:
    beta = shown(V2beta2(), replace(QUEUE, app_engine_routing=ROUTING))
    assert beta["rate_limits"] == {
        "max_tasks_dispatched_per_second": 7.5,
        "max_burst_size": 12,
        "max_concurrent_tasks": 3,
    }
    assert set(beta["app_engine_http_target"]) == {"app_engine_routing_override"}
    assert shown(V2beta2(), QUEUE)["app_engine_http_target"] == {}
    unlimited = replace(QUEUE, retry_config=RetryConfig(-1))
    assert shown(V2beta2(), unlimited)["retry_config"]["unlimited_attempts"] is True
    assert "max_attempts" not in shown(V2beta2(), unlimited)["retry_config"]


def test_v2beta2_takes_only_numbers_above_zero_for_attempts() -> None:
    messages = V2beta2().messages
    for sent in (0, -1):
        message = messages.Queue(retry_config=messages.RetryConfig(max_attempts=sent))
        with pytest.raises(InvalidArgument, match="must be greater than 0"):
            V2beta2().read_queue(message, QUEUE)
    unlimited = messages.Queue(retry_config=messages.RetryConfig(unlimited_attempts=True))
    assert V2beta2().read_queue(unlimited, QUEUE).retry_config.max_attempts == -1


@pytest.mark.parametrize("dialect", BETAS)
def test_a_pull_queue_is_told_from_a_push_queue(dialect) -> None:
    pull = replace(QUEUE, kind=Kind.PULL)
    message = dialect.write_queue(pull, dialect.messages.Queue())
    assert dialect.read_queue(message, unset_queue(NAME)).kind is Kind.PULL
    assert dialect.read_queue(dialect.messages.Queue(), pull).kind is Kind.PULL
    push = dialect.write_queue(replace(QUEUE, http_target=TARGET), dialect.messages.Queue())
    assert dialect.read_queue(push, pull).kind is Kind.PUSH


def test_v2beta2_leaves_the_routing_that_it_does_not_show() -> None:
    both = replace(QUEUE, http_target=TARGET, app_engine_routing=ROUTING)
    message = V2beta2().write_queue(both, V2beta2().messages.Queue())
    assert V2beta2().read_queue(message, both).app_engine_routing == ROUTING


def test_v2_leaves_what_it_cannot_say() -> None:
    message = V2().write_queue(QUEUE, V2().messages.Queue())
    kept = V2().read_queue(message, replace(QUEUE, kind=Kind.PULL))
    assert (kept.kind, kept.task_ttl, kept.tombstone_ttl) == (Kind.PULL, QUEUE.task_ttl, QUEUE.tombstone_ttl)
    assert V2().read_queue(message, replace(QUEUE, from_yaml=True)).rate_limits.max_burst_size == 0


@pytest.mark.parametrize("dialect", [V2(), V2beta3()])
def test_v2_and_v2beta3_show_a_task_alike(dialect) -> None:
    expected: dict[str, Any] = {
        "name": TASK.name,
        "http_request": {
            "url": "https://a.b",
            "http_method": "PUT",
            "headers": {"X-A": "b"},
            "body": "aGVsbG8=",
            "oauth_token": {"service_account_email": "a@b", "scope": "all"},
        },
        "schedule_time": "2026-06-01T12:00:05Z",
        "create_time": "2026-06-01T12:00:00Z",
        "dispatch_deadline": "20s",
        "dispatch_count": 3,
        "response_count": 2,
        "first_attempt": {"dispatch_time": "2026-06-01T12:00:01Z"},
        "last_attempt": {
            "schedule_time": "2026-06-01T12:00:00Z",
            "dispatch_time": "2026-06-01T12:00:00Z",
            "response_time": "2026-06-01T12:00:00Z",
            "response_status": {"code": 14, "message": "UNAVAILABLE(14): HTTP status code 503"},
        },
        "view": "FULL",
        "retry_config": {
            "max_attempts": -1,
            "min_backoff": "0.100s",
            "max_backoff": "3600s",
            "max_doublings": 16,
        },
    }
    assert shown_task(dialect, TASK) == expected
    del expected["http_request"]["body"]
    assert shown_task(dialect, TASK, BASIC) == {**expected, "view": "BASIC"}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_attempt_under_way_has_no_answer_yet(dialect) -> None:
    under_way = shown_task(dialect, replace(TASK, dispatched_at=NOON + timedelta(seconds=6)))
    last = under_way.get("last_attempt") or under_way["status"]["last_attempt_status"]
    assert last == {"schedule_time": "2026-06-01T12:00:05Z", "dispatch_time": "2026-06-01T12:00:06Z"}


def test_v2beta2_counts_attempts_in_a_status() -> None:
    task = shown_task(V2beta2(), TASK)
    assert task["status"]["attempt_dispatch_count"] == 3
    assert task["status"]["attempt_response_count"] == 2
    assert set(task["status"]) == {
        "attempt_dispatch_count",
        "attempt_response_count",
        "first_attempt_status",
        "last_attempt_status",
    }
    assert task["retry_config"]["unlimited_attempts"] is True
    assert "dispatch_deadline" not in task


@pytest.mark.parametrize(
    ("dialect", "uri", "body"),
    [(V2(), "relative_uri", "body"), (V2beta3(), "relative_uri", "body"), (V2beta2(), "relative_url", "payload")],
)
def test_an_app_engine_task_in_each_version(dialect, uri, body) -> None:
    app = replace(TASK, target=AppEngineRequest(4, "/a", {"X-A": "b"}, ROUTING))
    request = dialect.write_task(app, FULL, dialect.messages.Task()).app_engine_http_request
    assert (getattr(request, uri), getattr(request, body)) == ("/a", b"hello")
    draft = dialect.read_task(dialect.messages.Task(app_engine_http_request=request)).target
    assert draft == AppEngineDraft("/a", 4, {"X-A": "b"}, b"hello", replace(ROUTING, host=""))
    assert not getattr(dialect.write_task(app, BASIC, dialect.messages.Task()).app_engine_http_request, body)


@pytest.mark.parametrize("dialect", BETAS)
def test_a_pull_task_in_the_betas(dialect) -> None:
    pull = replace(TASK, target=PullMessage("tag"), retry_config=None, dispatch_deadline=None)
    full = dialect.write_task(pull, FULL, dialect.messages.Task())
    assert (full.pull_message.tag, full.pull_message.payload) == ("tag", b"hello")
    assert dialect.read_task(full).target == PullDraft(b"hello", "tag")
    basic = dialect.write_task(pull, BASIC, dialect.messages.Task())
    assert basic.pull_message.payload == b""


def test_of_a_lease_v2beta2_shows_only_the_count() -> None:
    pull = replace(TASK, target=PullMessage("tag"))
    assert shown_task(V2beta2(), pull)["status"] == {"attempt_dispatch_count": 3}
