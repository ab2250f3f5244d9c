"""The fixture ``tidegate`` in a test's hands: handlers in its own thread, a clock that it moves. The same scenarios in
every mode: one engine, one meaning.
"""

from __future__ import annotations

import itertools
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import freezegun
import pytest
import time_machine

import tidegate as package
from tidegate.testing import HandlerRequest, Tidegate

MAIL = "http://app.test/mail"


@pytest.fixture
def tidegate(every_mode: Tidegate) -> Tidegate:
    return every_mode


def create(tidegate: Tidegate, url: str = MAIL, queue: str = "default", **task: Any) -> str:
    made = tidegate.queue(queue)
    with tidegate.client() as client:
        return str(client.create_task(parent=made.name, task=package.http_task(url, **task)).name)


def test_a_task_is_delivered_when_the_test_says_so(tidegate: Tidegate) -> None:
    tidegate.responds(200)
    create(tidegate, json={"to": "you"})
    assert tidegate.requests == []
    assert tidegate.run() == 1
    (request,) = tidegate.requests
    assert (request.method, request.path, request.json, request.status) == ("POST", "/mail", {"to": "you"}, 200)
    tidegate.assert_no_tasks()


def test_a_wsgi_application_runs_in_the_tests_own_thread(tidegate: Tidegate) -> None:
    seen = []

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.append((threading.current_thread(), environ["PATH_INFO"], environ["wsgi.input"].read()))
        start_response("204 No Content", [])
        return []

    tidegate.app = app
    create(tidegate, body=b"hello")
    tidegate.run()
    assert seen == [(threading.current_thread(), "/mail", b"hello")]
    assert tidegate.requests[0].status == 204


def test_an_asgi_application_is_called_from_a_plain_test(tidegate: Tidegate) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        status = 200 if (scope["path"], message["body"]) == ("/mail", b"hello") else 400
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    tidegate.app = app
    create(tidegate, body=b"hello")
    tidegate.run()
    assert tidegate.requests[0].status == 200


async def test_an_asgi_application_runs_in_the_loop_of_an_asynchronous_test(tidegate: Tidegate) -> None:
    import asyncio  # noqa: PLC0415

    loops = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        loops.append(asyncio.get_running_loop())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    tidegate.app = app
    create(tidegate)
    assert await tidegate.run() == 1
    assert loops == [asyncio.get_running_loop()]


def test_a_handler_that_creates_tasks_is_followed(tidegate: Tidegate) -> None:
    def handler(request: HandlerRequest) -> int:
        if request.path == "/mail":
            create(tidegate, "http://app.test/sent")
        return 200

    tidegate.responds(handler)
    create(tidegate)
    assert tidegate.run() == 2
    assert [request.path for request in tidegate.requests] == ["/mail", "/sent"]


def test_time_passes_when_the_test_says_so(tidegate: Tidegate) -> None:
    tidegate.responds(200)
    create(tidegate, at=tidegate.now() + timedelta(minutes=59))
    create(tidegate, "http://app.test/later", at=tidegate.now() + timedelta(minutes=61))
    assert tidegate.run() == 0
    assert tidegate.advance("1h") == 1
    assert tidegate.requests[0].path == "/mail"
    assert tidegate.advance("2m") == 1


def test_fifty_five_hours_of_retries_pass_at_once(tidegate: Tidegate) -> None:
    queue = tidegate.queue("slow", max_attempts=100, min_backoff=1, max_backoff=3600, max_doublings=16)
    tidegate.responds(500)
    start = tidegate.now()
    with tidegate.client() as client:
        client.create_task(parent=queue.name, task=package.http_task(MAIL))
    assert tidegate.run_until_idle() == 100
    assert tidegate.now() - start > timedelta(hours=55)
    tidegate.assert_no_tasks()


def test_answers_come_in_turn(tidegate: Tidegate) -> None:
    tidegate.responds([503, 503, 200])
    create(tidegate)
    tidegate.run_until_idle()
    assert [request.status for request in tidegate.requests] == [503, 503, 200]


def test_attempts_and_dead_tasks_can_be_looked_at(tidegate: Tidegate) -> None:
    queue = tidegate.queue("mail", max_attempts=2, min_backoff=1)
    tidegate.responds([503, 500])
    with tidegate.client() as client:
        client.create_task(parent=queue.name, task=package.http_task(MAIL))
    assert len(queue.tasks) == 1
    tidegate.run_until_idle()
    assert (queue.tasks, len(queue.dead)) == ([], 1)
    assert queue.dead[0].last_attempt.http_status == 500


def test_an_exception_in_a_handler_is_a_500_and_is_kept(tidegate: Tidegate) -> None:
    def handler(_request: HandlerRequest) -> int:
        raise RuntimeError("boom")

    tidegate.responds(handler)
    create(tidegate)
    tidegate.run()
    assert tidegate.requests[0].status == 500
    assert isinstance(tidegate.requests[0].error, RuntimeError)
    assert "RuntimeError: boom" in tidegate.failures()[0]


def test_a_url_without_a_handler_fails_the_test(tidegate: Tidegate) -> None:
    tidegate.responds(200, base="http://app.test")
    create(tidegate, "http://other.test/x")
    with pytest.raises(AssertionError, match=r"no handler takes http://other\.test/x"):
        tidegate.run()


def test_the_longest_base_takes_a_url(tidegate: Tidegate) -> None:
    tidegate.responds(200)
    tidegate.responds(404, base="http://app.test")
    tidegate.responds(201, base="http://app.test/mail")
    for path in ("/mail/x", "/mailbox"):
        create(tidegate, f"http://app.test{path}")
    create(tidegate, "http://app.test.evil/")
    tidegate.run()
    assert {request.url: request.status for request in tidegate.requests} == {
        "http://app.test/mail/x": 201,
        "http://app.test/mailbox": 404,
        "http://app.test.evil/": 200,
    }


def test_what_was_expected_and_did_not_come_is_shown_beside_the_nearest(tidegate: Tidegate) -> None:
    tidegate.responds(200)
    create(tidegate, json={"to": "you", "count": 1})
    tidegate.run()
    expectation = tidegate.expect(url="/mail", json={"to": "me", "count": 1})
    with pytest.raises(AssertionError) as failed:
        tidegate.assert_expected()
    assert "but 0 came of 1 requests" in str(failed.value)
    assert '-   "to": "me"' in str(failed.value)
    assert '+   "to": "you"' in str(failed.value)
    expectation.json = {"to": "you", "count": 1}
    tidegate.assert_expected()


def test_tasks_that_are_left_are_named(tidegate: Tidegate) -> None:
    create(tidegate, at=datetime.now(UTC) + timedelta(days=1), queue="mail")
    with pytest.raises(AssertionError, match="1 tasks are left:\n  mail/tasks/"):
        tidegate.assert_no_tasks()


def test_the_rate_of_a_queue_holds_in_virtual_time(tidegate: Tidegate) -> None:
    queue = tidegate.queue("slow", max_dispatches_per_second=0.01)
    tidegate.responds(200)
    with tidegate.client() as client:
        for _ in range(15):
            client.create_task(parent=queue.name, task=package.http_task(MAIL))
    start = tidegate.now()
    at_once = tidegate.run()
    assert at_once < 15
    tidegate.run_until_idle()
    assert len(tidegate.requests) == 15
    assert tidegate.now() - start >= (15 - at_once - 1) * timedelta(seconds=100)


def test_a_paused_queue_waits_until_it_is_resumed(tidegate: Tidegate) -> None:
    tidegate.responds(200)
    queue = tidegate.queue()
    queue.pause()
    create(tidegate)
    assert (tidegate.run(), tidegate.run_until_idle()) == (0, 0)
    assert "paused" in tidegate.tasks_left()[0]
    queue.resume()
    assert tidegate.run() == 1
    tidegate.pause()
    create(tidegate)
    assert tidegate.advance("1h") == 0
    tidegate.resume("default")
    assert tidegate.run() == 1


async def test_every_verb_can_be_awaited(tidegate: Tidegate) -> None:
    tidegate.responds(200)
    tidegate.queue()
    await tidegate.pause()
    create(tidegate)
    assert await tidegate.wait_idle() == 0
    fault = await tidegate.faults.status(503)
    await tidegate.resume()
    assert await tidegate.run() == 0
    assert fault.hits >= 1
    await tidegate.faults.clear()
    assert await tidegate.advance("1s") + await tidegate.run_until_idle() == 1


@pytest.mark.parametrize(
    ("effect", "asked", "statuses"),
    [
        (lambda faults: faults.duplicate(3, attempts=1), 3, [200, 200, 200]),
        (lambda faults: faults.status(503, times=2), 1, [200]),
        (lambda faults: faults.refuse(last=1), 1, [200]),
        (lambda faults: faults.no_answer(last=1, url="/mail$"), 1, [200]),
        (lambda faults: faults.drop_response(last=1, probability=1.0), 2, [200, 200]),
        (lambda faults: faults.delay("10ms", queue="default"), 1, [200]),
        (lambda faults: faults.status(500, task_prefix="no such task"), 1, [200]),
    ],
)
def test_attempts_meet_faults(tidegate: Tidegate, effect: Any, asked: int, statuses: list[int]) -> None:
    tidegate.responds(200)
    tidegate.queue()
    effect(tidegate.faults)
    create(tidegate)
    assert tidegate.run_until_idle() == asked
    assert [request.status for request in tidegate.requests] == statuses
    tidegate.assert_no_tasks()


def test_a_fault_ends_and_needs_a_queue(tidegate: Tidegate) -> None:
    with pytest.raises(ValueError, match="there is no queue yet"):
        tidegate.faults.refuse()
    tidegate.responds(200)
    tidegate.queue()
    fault = tidegate.faults.refuse(queue=tidegate.queue())
    create(tidegate)
    tidegate.run()
    assert fault.hits == 1
    fault.end()
    assert tidegate.run_until_idle() == 1


def test_a_failure_is_told_with_the_reason_and_the_attempts(tidegate: Tidegate) -> None:
    tidegate.responds(500)
    create(tidegate)
    tidegate.run()
    (left,) = tidegate.tasks_left()
    assert "http://app.test/mail, 1 attempts; " in left
    assert "the next one starts at" in left
    assert "/attempts/1: 500, at" in tidegate.last_attempts()[0]


def test_a_url_comes_as_the_task_has_it(tidegate: Tidegate) -> None:
    tidegate.responds(200)
    urls = ["https://app.test:8443/a%20b/c?x=%C3%A4&y", "http://localhost:1/", "https://app.test/?q"]
    for url in urls:
        create(tidegate, url, headers={"X-Mine": "1", "Content-Type": "text/x"}, body=b"\xff\x00" * 5000)
    tidegate.run()
    assert sorted(request.url for request in tidegate.requests) == sorted(urls)
    assert {request.body for request in tidegate.requests} == {b"\xff\x00" * 5000}
    assert {request.headers["x-mine"] for request in tidegate.requests} == {"1"}
    assert not {"host", "x-tidegate-test-queue"} & set(tidegate.requests[0].headers)


def test_a_thousand_tasks_are_delivered_once(tidegate: Tidegate) -> None:
    tidegate.responds(200)
    queue = tidegate.queue()
    with tidegate.client() as client:
        for number in range(1000):
            client.create_task(parent=queue.name, task=package.http_task(MAIL, json=number))
    assert tidegate.run_until_idle() == 1000
    assert sorted(request.json for request in tidegate.requests) == list(range(1000))


@pytest.mark.parametrize("frozen", [lambda at: time_machine.travel(at, tick=False), freezegun.freeze_time])
def test_the_clock_of_a_frozen_test_shows_the_handler_when_its_task_is_due(tidegate: Tidegate, frozen: Any) -> None:
    seen = []

    def handler(_request: HandlerRequest) -> int:
        seen.append(datetime.now(UTC))
        return 503 if len(seen) < 3 else 200

    tidegate.responds(handler)
    tidegate.queue(min_backoff=100, max_backoff=100)
    with frozen(datetime(2020, 1, 1, tzinfo=UTC)):
        create(tidegate, at=tidegate.now() + timedelta(hours=1))
        tidegate.run_until_idle()
    waits = [(later - before).total_seconds() for before, later in itertools.pairwise(seen)]
    assert all(50 < wait < 101 for wait in waits)  # less the machine's time that passed while the clock stood
    assert timedelta(minutes=59) < seen[0] - datetime(2020, 1, 1, tzinfo=UTC) <= timedelta(hours=1)


async def test_blocking_and_asynchronous_clients_can_be_open_together(tidegate: Tidegate) -> None:
    with tidegate.client() as client:
        list(client.list_queues(parent=tidegate.location))
        async with tidegate.async_client() as other:
            assert [queue.name async for queue in await other.list_queues(parent=tidegate.location)] == []
