"""What a handler reads from its socket, byte for byte: each rule about headers, for both kinds of targets."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from msgspec.structs import replace
from tests.delivery.raw_handler import RawHandler, Request, answer, hang_up, raw_handler
from tests.endtoend.live import QUEUE, Live, live

from tidegate.core.queue import Header, HttpMethod, HttpTarget, OidcToken, Queue, RetryConfig, State, UriOverride
from tidegate.core.target import unix_seconds
from tidegate.core.task import HttpRequest
from tidegate.core.times import Duration
from tidegate.core.validation import AppEngineDraft, HttpDraft, TaskDraft

HOUR = timedelta(hours=1)
SLOWLY = RetryConfig(min_backoff=Duration(3600), max_backoff=Duration(3600))
"""After a failure there is time to look at the task."""

RECORDED = (503, 404, 429, 500, 302)
"""The answers whose counts are known from the real service."""


@pytest.fixture
async def handler() -> AsyncIterator[RawHandler]:
    async with raw_handler() as handler:
        yield handler


@pytest.fixture
async def world(handler: RawHandler) -> AsyncIterator[Live]:
    async with live({"default": handler.origin}) as world:
        yield world


async def arrived(world: Live, handler: RawHandler, target: HttpDraft | AppEngineDraft) -> Request:
    """The bytes of the one attempt that a new task takes."""
    await world.gone(await world.create(TaskDraft(target=target)))
    (request,) = handler.requests
    return request


def present(queue: Queue | None) -> Queue:
    assert queue is not None
    return queue


def sent(handler: RawHandler, name: str) -> list[str | None]:
    """A header of each attempt that arrived."""
    return [request.header(name) for request in handler.requests]


# --- to a URL ---------------------------------------------------------------------------------------------------------


async def test_the_request_has_these_bytes_and_no_others(world: Live, handler: RawHandler) -> None:
    await world.queue()
    draft = HttpDraft(handler.url("/work?n=1&empty="), body=b'{"a":1}', headers={"Content-Type": "application/json"})
    name = f"{QUEUE}/tasks/one"
    new = await world.create(TaskDraft(name=name, target=draft, schedule_time=(1_721_236_265, 266_817_000)))
    await world.gone(new)
    (request,) = handler.requests
    eta = request.header("X-CloudTasks-TaskETA")
    assert request.head.decode() == (
        "POST /work?n=1&empty= HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{handler.port}\r\n"
        "User-Agent: Google-Cloud-Tasks\r\n"
        "Content-Type: application/json\r\n"
        "X-CloudTasks-QueueName: q\r\n"
        "X-CloudTasks-TaskName: one\r\n"
        "X-CloudTasks-TaskRetryCount: 0\r\n"
        "X-CloudTasks-TaskExecutionCount: 0\r\n"
        f"X-CloudTasks-TaskETA: {eta}\r\n"
        "Content-Length: 7\r\n\r\n"
    )
    assert request.body == b'{"a":1}'


async def test_the_recorded_answers_make_the_recorded_counts(world: Live, handler: RawHandler) -> None:
    await world.queue()
    handler.does(*[answer(status) for status in RECORDED], answer(200))
    await world.gone(await world.create(TaskDraft(target=HttpDraft(handler.url()))))
    assert sent(handler, "X-CloudTasks-TaskRetryCount") == ["0", "1", "2", "3", "4", "5"]
    assert sent(handler, "X-CloudTasks-TaskExecutionCount") == ["0", "0", "1", "2", "2", "3"]
    assert sent(handler, "X-CloudTasks-TaskPreviousResponse") == [None, *map(str, RECORDED)]
    assert sent(handler, "X-CloudTasks-TaskRetryReason") == [None, "", "", "", "", ""]
    etas = [Decimal(eta or "nan") for eta in sent(handler, "X-CloudTasks-TaskETA")]
    assert all(later - earlier >= Decimal("0.001") for earlier, later in pairwise(etas))


async def test_a_broken_connection_is_a_previous_response_of_zero(world: Live, handler: RawHandler) -> None:
    await world.queue()
    handler.does(hang_up(), answer(200))
    await world.gone(await world.create(TaskDraft(target=HttpDraft(handler.url()))))
    assert sent(handler, "X-CloudTasks-TaskPreviousResponse") == [None, "0"]
    assert sent(handler, "X-CloudTasks-TaskExecutionCount") == ["0", "0"]


async def test_the_eta_is_the_time_the_attempt_was_due_in_the_fewest_digits(world: Live, handler: RawHandler) -> None:
    await world.queue(retry_config=SLOWLY)
    handler.does(answer(500), answer(200))
    name = await world.create(TaskDraft(target=HttpDraft(handler.url())))
    task = await world.failed(name)
    assert task.last_attempt is not None
    assert task.last_attempt.response_time is not None
    assert task.schedule_time == task.last_attempt.response_time + HOUR
    await world.engine.tasks.run(name)
    await world.gone(name)
    first, second = sent(handler, "X-CloudTasks-TaskETA")
    assert first == unix_seconds(task.last_attempt.schedule_time)
    assert second == unix_seconds(task.schedule_time)
    assert not first.endswith("0") or "." not in first


@pytest.mark.parametrize(
    ("status", "asked", "wait"),
    [
        (503, "7200", HOUR),  # capped
        (429, "90", timedelta(seconds=90)),
        (503, "0", timedelta(milliseconds=1)),  # the backoff is longer
        (503, "soon", timedelta(milliseconds=1)),
        (500, "90", timedelta(milliseconds=1)),  # nobody else may ask
        (404, "90", timedelta(milliseconds=1)),
    ],
)
async def test_retry_after_counts_where_it_may_and_no_further(
    world: Live, handler: RawHandler, status: int, asked: str, wait: timedelta
) -> None:
    await world.queue(state=State.PAUSED)  # so that the retry waits and its time can be seen
    handler.does(answer(status, f"Retry-After: {asked}"))
    name = await world.create(TaskDraft(target=HttpDraft(handler.url())))
    await world.engine.tasks.run(name)
    task = await world.failed(name)
    assert task.last_attempt is not None
    assert task.last_attempt.response_time is not None
    assert task.schedule_time == task.last_attempt.response_time + wait


async def test_reserved_and_forged_headers_stay_away(world: Live, handler: RawHandler) -> None:
    await world.queue()
    forged = {
        "Host": "elsewhere",
        "Via": "1.1 nobody",
        "TE": "trailers",
        "Connection": "close",
        "Transfer-Encoding": "chunked",
        "Content-Length": "5000",
        "Accept-Encoding": "gzip",
        "User-Agent": "mine",
        "X-Google-Secret": "1",
        "x-appengine-taskname": "forged",
        "X-CLOUDTASKS-TASKNAME": "forged",
        "X-CloudTasks-TaskPreviousResponse": "200",
        "Keep-Alive": "9",
    }
    request = await arrived(world, handler, HttpDraft(handler.url(), headers={**forged, "X-Mine": "1"}, body=b"ab"))
    names = [name.lower() for name, _ in request.headers]
    assert len(names) == len(set(names))
    assert request.header("X-Mine") == "1"
    assert request.header("X-CloudTasks-TaskPreviousResponse") is None
    values = {value for _, value in request.headers}
    assert values.isdisjoint({"elsewhere", "1.1 nobody", "chunked", "5000", "gzip", "mine", "forged", "close"})
    assert request.header("User-Agent") == "Google-Cloud-Tasks"
    assert request.body == b"ab"


async def test_names_that_differ_only_in_case_are_one_line_on_the_wire(world: Live, handler: RawHandler) -> None:
    overrides = (Header("X-Team", "first"), Header("x-team", "ours"))
    await world.queue(http_target=HttpTarget(header_overrides=overrides))
    headers = {"Content-Type": "a", "content-type": "b", "COOKIE": "a", "Cookie": "b", "X-TEAM": "theirs"}
    tripled = {"Authorization": "Basic a", "authorization": "Basic b", "AUTHORIZATION": "Basic c"}
    request = await arrived(world, handler, HttpDraft(handler.url(), headers={**headers, **tripled}, body=b"x"))
    names = [name.lower() for name, _ in request.headers]
    assert len(names) == len(set(names))
    sent = {name: value for name, value in request.headers if not name.startswith("X-CloudTasks-")}
    assert sent == {
        "Host": f"127.0.0.1:{handler.port}",
        "User-Agent": "Google-Cloud-Tasks",
        "content-type": "b",
        "Cookie": "b",
        "AUTHORIZATION": "Basic c",
        "x-team": "ours",
        "Content-Length": "1",
    }


async def test_unknown_headers_of_our_prefix_and_cleaned_values_pass(world: Live, handler: RawHandler) -> None:
    await world.queue()
    headers = {"X-CloudTasks-Projectname": "p", "X-Lines": "a\r\nB: c", "X-Nul": "kept\0cut", "Trailer": "X"}
    request = await arrived(world, handler, HttpDraft(handler.url(), headers=headers))
    assert request.header("X-CloudTasks-Projectname") == "p"
    assert request.header("X-Lines") == "a__B: c"
    assert request.header("B") is None
    assert request.header("X-Nul") == "kept"


async def test_no_content_type_is_added_and_an_empty_post_has_a_length(world: Live, handler: RawHandler) -> None:
    await world.queue()
    request = await arrived(world, handler, HttpDraft(handler.url()))
    assert request.header("Content-Type") is None
    assert request.header("Content-Length") == "0"
    assert request.header("Transfer-Encoding") is None


@pytest.mark.parametrize("method", [HttpMethod.GET, HttpMethod.HEAD, HttpMethod.DELETE, HttpMethod.OPTIONS])
async def test_methods_without_a_body_have_no_length(world: Live, handler: RawHandler, method: HttpMethod) -> None:
    await world.queue()
    request = await arrived(world, handler, HttpDraft(handler.url(), method=method))
    assert request.line == f"{method.name} /task HTTP/1.1"
    assert request.header("Content-Length") is None


async def test_the_path_is_percent_encoded_and_the_fragment_stays_here(world: Live, handler: RawHandler) -> None:
    await world.queue()
    request = await arrived(world, handler, HttpDraft(handler.url("/hello/a b/ü?q=a b&x=%20#part")))
    assert request.line == "POST /hello/a%20b/%C3%BC?q=a%20b&x=%20 HTTP/1.1"


async def test_the_users_own_authorization_passes_without_a_token(world: Live, handler: RawHandler) -> None:
    await world.queue()
    request = await arrived(world, handler, HttpDraft(handler.url(), headers={"authorization": "Basic me"}))
    assert request.header("Authorization") == "Basic me"


async def test_a_token_replaces_the_users_authorization(world: Live, handler: RawHandler) -> None:
    await world.queue()
    token = OidcToken("robot@p.test")
    draft = HttpDraft(handler.url("/a?b=c"), headers={"authorization": "Basic me"}, token=token)
    request = await arrived(world, handler, draft)
    (authorization,) = [value for name, value in request.headers if name.lower() == "authorization"]
    kind, _, jwt = authorization.partition(" ")
    assert kind == "Bearer"
    claims = json.loads(base64.urlsafe_b64decode(jwt.split(".")[1] + "=="))
    assert (claims["aud"], claims["email"]) == (handler.url("/a?b=c"), "robot@p.test")


async def test_the_queues_routing_reaches_tasks_that_wait_already(world: Live, handler: RawHandler) -> None:
    await world.queue()
    await world.engine.queues.pause(QUEUE)
    headers = {"x-team": "theirs", "X-Other": "kept"}
    waiting = await world.create(TaskDraft(target=HttpDraft("https://old.test/old?a=1", body=b"abc", headers=headers)))
    routing = HttpTarget(
        uri_override=UriOverride(scheme=1, host="127.0.0.1", port=handler.port, path="/new", query="b=2"),
        http_method=HttpMethod.PUT,
        header_overrides=(Header("X-Team", "first"), Header("x-team", "ours")),
    )

    await world.engine.queues.update(QUEUE, lambda queue: replace(present(queue), http_target=routing))
    stored = await world.shown(waiting)
    await world.engine.queues.resume(QUEUE)
    await world.gone(waiting)
    (request,) = handler.requests
    assert request.line == "PUT /new?b=2 HTTP/1.1"
    assert request.body == b"abc"
    assert request.header("Host") == f"127.0.0.1:{handler.port}"
    assert [value for name, value in request.headers if name.lower() == "x-team"] == ["ours"]
    assert request.header("X-Other") == "kept"
    assert stored is not None
    assert isinstance(stored.target, HttpRequest)
    assert stored.target.url == "https://old.test/old?a=1"


async def test_a_routed_method_that_takes_no_body_sends_nothing(world: Live, handler: RawHandler) -> None:
    await world.queue(retry_config=SLOWLY, http_target=HttpTarget(http_method=HttpMethod.GET))
    task = await world.failed(await world.create(TaskDraft(target=HttpDraft(handler.url(), body=b"abc"))))
    assert task.last_attempt is not None
    assert task.last_attempt.status is not None
    assert task.last_attempt.status.message == "UNKNOWN(2): HTTP status code 0"
    assert (task.dispatch_count, task.response_count) == (1, 0)
    assert handler.requests == []


async def test_a_redirect_is_followed_within_the_attempt(world: Live, handler: RawHandler) -> None:
    await world.queue()
    handler.does(answer(302, "Location: /there"), answer(200))
    await world.gone(await world.create(TaskDraft(target=HttpDraft(handler.url(), body=b"abc"))))
    assert [request.line for request in handler.requests] == ["POST /task HTTP/1.1", "GET /there HTTP/1.1"]
    assert sent(handler, "X-CloudTasks-TaskRetryCount") == ["0", "0"]


# --- to App Engine ----------------------------------------------------------------------------------------------------


async def test_an_app_engine_request_has_these_headers_and_no_others(world: Live, handler: RawHandler) -> None:
    await world.queue()
    headers = {"X-Google-A": "1", "X-AppEngine-TaskName": "forged", "Host": "elsewhere", "X-Mine": "1"}
    request = await arrived(world, handler, AppEngineDraft("/work?n=1", headers=headers, body=b"abc"))
    eta = request.header("X-AppEngine-TaskETA")
    task = request.header("X-AppEngine-TaskName")
    assert request.line == "POST /work?n=1 HTTP/1.1"
    assert {name.lower(): value for name, value in request.headers} == {
        "host": f"127.0.0.1:{handler.port}",
        "user-agent": "AppEngine-Google; (+http://code.google.com/appengine)",
        "content-type": "application/octet-stream",
        "content-length": "3",
        "x-mine": "1",
        "x-appengine-queuename": "q",
        "x-appengine-taskname": task,
        "x-appengine-taskretrycount": "0",
        "x-appengine-taskexecutioncount": "0",
        "x-appengine-tasketa": eta,
    }
    assert request.body == b"abc"
    assert task is not None
    assert task.isdigit()


async def test_the_recorded_answers_make_the_recorded_counts_for_app_engine(world: Live, handler: RawHandler) -> None:
    await world.queue()
    handler.does(*[answer(status) for status in RECORDED], answer(200))
    await world.gone(await world.create(TaskDraft(target=AppEngineDraft("/work"))))
    assert sent(handler, "X-AppEngine-TaskRetryCount") == ["0", "1", "2", "3", "4", "5"]
    assert sent(handler, "X-AppEngine-TaskExecutionCount") == ["0", "1", "2", "3", "4", "5"]
    assert sent(handler, "X-AppEngine-TaskPreviousResponse") == [None, *map(str, RECORDED)]
    assert sent(handler, "X-AppEngine-TaskRetryReason") == [None, *["App Error"] * 5]


async def test_an_app_engine_handler_that_hangs_up_was_unavailable(world: Live, handler: RawHandler) -> None:
    await world.queue()
    handler.does(hang_up(), answer(200))
    await world.gone(await world.create(TaskDraft(target=AppEngineDraft("/work"))))
    assert sent(handler, "X-AppEngine-TaskPreviousResponse") == [None, "0"]
    assert sent(handler, "X-AppEngine-TaskExecutionCount") == ["0", "0"]
    assert sent(handler, "X-AppEngine-TaskRetryReason") == [None, "Instance Unavailable"]


async def test_app_engine_redirects_are_failures(world: Live, handler: RawHandler) -> None:
    await world.queue(retry_config=SLOWLY)
    handler.does(answer(302, "Location: /there"))
    task = await world.failed(await world.create(TaskDraft(target=AppEngineDraft("/work"))))
    assert task.last_attempt is not None
    assert task.last_attempt.status is not None
    assert task.last_attempt.status.message == "UNKNOWN(2): HTTP status code 302"
    assert len(handler.requests) == 1
