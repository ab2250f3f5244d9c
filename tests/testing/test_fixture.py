"""The fixture ``tidegate`` in a test's hands: handlers in its own thread, a clock that it moves."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import tidegate as package
from tidegate.testing import HandlerRequest, Tidegate

MAIL = "http://app.test/mail"


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


def test_each_test_has_a_server_of_its_own(tidegate: Tidegate, tidegate_factory: Any) -> None:
    other = tidegate_factory()
    tidegate.queue("mine")
    assert other.address != tidegate.address
    with other.client() as client:
        assert list(client.list_queues(parent=tidegate.location)) == []


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
