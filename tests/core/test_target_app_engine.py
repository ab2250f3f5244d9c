"""How a task for App Engine is called, and where its service is."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.core.calls import APP_AGENT, app, called, header, routed
from tests.core.examples import MINUTE, NOON, QUEUE, queue

from tidegate.core.lifecycle import Outcome, Retry, judge
from tidegate.core.queue import AppEngineRouting, Header, HttpMethod, UriOverride
from tidegate.core.target import HttpCall, app_engine_base
from tidegate.core.validation import AppEngineDraft, TaskDraft, check_task, settle_target


def test_an_app_engine_task_is_sent_to_its_service() -> None:
    draft = TaskDraft(
        target=AppEngineDraft("/work?a=1", headers={"X-A": "a"}, body=b"b", routing=AppEngineRouting("s"))
    )
    new = check_task(draft, QUEUE, NOON)
    settled = new.stored(QUEUE.task("t"), settle_target(new.target, queue()), NOON, NOON)
    assert called(replace(settled, dispatch_count=1)) == HttpCall(
        method="POST",
        url="https://s.p.appspot.com/work?a=1",
        headers=(
            ("X-A", "a"),
            ("User-Agent", APP_AGENT),
            ("Content-Type", "application/octet-stream"),
            ("X-AppEngine-QueueName", "q"),
            ("X-AppEngine-TaskName", "t"),
            ("X-AppEngine-TaskRetryCount", "0"),
            ("X-AppEngine-TaskExecutionCount", "0"),
            ("X-AppEngine-TaskETA", "1782907200"),
        ),
        body=b"b",
        timeout=10 * MINUTE,
        token=None,
        follows_redirects=False,
        queue=QUEUE,
    )


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (Outcome(503), ("503", "App Error")),
        (Outcome(302), ("302", "App Error")),
        (Outcome(timed_out=True), ("0", "Instance Unavailable")),
        (Outcome(), ("0", "Instance Unavailable")),
    ],
)
def test_a_retry_of_app_engine_says_why(outcome: Outcome, told: tuple[str, str]) -> None:
    verdict = judge(app(), queue(), outcome, NOON)
    assert isinstance(verdict, Retry)
    call = called(replace(verdict.task, dispatch_count=2))
    assert (header(call, "X-AppEngine-TaskPreviousResponse"), header(call, "X-AppEngine-TaskRetryReason")) == told


def test_the_queues_routing_replaces_the_tasks_completely() -> None:
    routing = AppEngineRouting("s", "v", "1")
    assert called(app(routing=routing)).url == "https://1.v.s.p.appspot.com/"
    assert called(app(routing=routing), queue(app_engine_routing=AppEngineRouting(version="w"))).url == (
        "https://w.p.appspot.com/"
    )


def test_the_queues_http_routing_does_not_touch_app_engine_tasks() -> None:
    where = routed(UriOverride(host="h"), http_method=HttpMethod.GET, header_overrides=(Header("X-A", "a"),))
    call = called(app(relative_uri="/a"), where)
    assert (call.method, call.url, header(call, "X-A")) == ("POST", "https://p.appspot.com/a", None)


SERVICES = {"default": "http://localhost:8080/", "worker": "http://localhost:8081/base", "v2.worker": "http://[::1]:1"}


@pytest.mark.parametrize(
    ("routing", "base"),
    [
        (AppEngineRouting(), "http://localhost:8080"),
        (AppEngineRouting("worker"), "http://localhost:8081/base"),
        (AppEngineRouting("worker", "v2"), "http://[::1]:1"),
        (AppEngineRouting("worker", "v2", "7"), "http://[::1]:1"),
        (AppEngineRouting("worker", "v3"), "http://localhost:8081/base"),
        (AppEngineRouting("other"), "http://localhost:8080"),
        (AppEngineRouting("", "v2"), "http://localhost:8080"),
        (AppEngineRouting("evil.example/"), "http://localhost:8080"),
    ],
)
def test_services_are_found_where_the_operator_says(routing: AppEngineRouting, base: str) -> None:
    assert app_engine_base(routing, "p", SERVICES) == base


def test_without_a_default_other_services_are_at_app_engine() -> None:
    assert app_engine_base(AppEngineRouting("other"), "p", {"worker": "http://w"}) == "https://other.p.appspot.com"


@pytest.mark.parametrize("part", ["evil.example/", "a b", "a@b", "a:1", "a#", "ü", "a" * 64, "a.b"])
def test_a_routing_with_an_unusable_part_stands_for_the_default_service(part: str) -> None:
    for routing in (AppEngineRouting(part), AppEngineRouting("s", part), AppEngineRouting("s", "v", part)):
        assert called(app(routing=routing)).url == "https://p.appspot.com/"


def test_a_service_below_a_path_keeps_it() -> None:
    call = called(app(relative_uri="/a?b=c d", routing=AppEngineRouting("worker")), app_engine=SERVICES)
    assert call.url == "http://localhost:8081/base/a?b=c%20d"


def test_the_deadline_of_an_app_engine_task_is_its_own_or_ten_minutes() -> None:
    assert called(app()).timeout == 10 * MINUTE
    assert called(replace(app(), dispatch_deadline=timedelta(hours=24))).timeout == timedelta(hours=24)
