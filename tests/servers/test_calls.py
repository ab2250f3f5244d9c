"""What a call may be, and what becomes of it. Driven without a network."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

import pytest
from google.protobuf.empty_pb2 import Empty
from hypothesis import given
from hypothesis import strategies as st
from tests.servers.driving import GRPC, TRAILERS, Answer, Client, framed, in_virtual_time, request

from tidegate.core.errors import Code, Help, InvalidArgument, NotFound
from tidegate.servers.call import Call
from tidegate.servers.deadlines import TICK, WATCHED_MAX, CallDeadlines, parse_timeout
from tidegate.servers.grpc import GrpcMethod, GrpcServer

DO = "/sample.Things/Do"


def answering(handler: Any) -> GrpcServer:
    return GrpcServer({DO: GrpcMethod(Empty, handler)})


async def do(handler: Any, *headers: tuple[bytes, bytes]) -> Answer:
    return await request(answering(handler), DO, [framed(b"")], headers=(GRPC, *headers))


async def nothing(message: Empty, call: Call) -> Empty:
    return message


# What is a call


@pytest.mark.parametrize(
    "content_type",
    [b"application/grpc", b"application/grpc+proto", b"application/grpc;charset=utf-8", b"Application/gRPC"],
)
async def test_protobuf_in_grpc_frames_is_a_call(content_type: bytes) -> None:
    answer = await request(answering(nothing), DO, [framed(b"")], headers=[(b"content-type", content_type)])
    assert answer.status == 0


@pytest.mark.parametrize(
    "content_type", [b"application/json", b"application/grpc-web", b"application/grpc+json", b"application/grpcx", b""]
)
async def test_any_other_content_type_is_http_415(content_type: bytes) -> None:
    answer = await request(answering(nothing), DO, [framed(b"")], headers=[(b"content-type", content_type)])
    assert answer.http_status == 415
    assert b"grpc-status" not in answer.headers


async def test_a_call_without_a_content_type_is_http_415() -> None:
    assert (await request(answering(nothing), DO, [framed(b"")], headers=[])).http_status == 415


async def test_only_post_is_a_call() -> None:
    answer = await request(answering(nothing), DO, method="PUT")
    assert (answer.http_status, answer.headers[b"allow"]) == (405, b"POST")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/sample.Things/Undo", "unknown method Undo for service sample.Things"),
        ("/sample.Thing/Do", "unknown service sample.Thing"),
        ("/sample.Things", "malformed method name: '/sample.Things'"),
        ("/", "malformed method name: '/'"),
        ("", "malformed method name: ''"),
    ],
)
async def test_an_unknown_method_is_unimplemented(path: str, text: str) -> None:
    answer = await request(answering(nothing), path, [framed(b"")])
    assert (answer.status, answer.text) == (Code.UNIMPLEMENTED, text)


# What a handler learns


async def test_a_handler_learns_the_method_and_the_metadata() -> None:
    learned: dict[str, Any] = {}

    async def handler(message: Empty, call: Call) -> Empty:
        learned.update(path=call.path, metadata=call.metadata, deadline=call.deadline)
        return message

    await do(handler, (b"x-goog-request-params", b"name=a%2Fb"), (b"x", b"1"), (b"x", b"2"), (b"id-bin", b"AQI"))
    assert learned["path"] == DO
    assert learned["deadline"] is None
    assert learned["metadata"] == {
        "content-type": "application/grpc",
        "te": "trailers",
        "x-goog-request-params": "name=a%2Fb",
        "x": "1,2",
        "id-bin": b"\x01\x02",
    }


async def test_a_call_without_te_trailers_is_told_so() -> None:
    client = Client([framed(b"")])
    scope = {"type": "http", "method": "POST", "path": DO, "headers": [GRPC]}
    await answering(nothing)(scope, client.receive, client.send)
    assert client.answer.status == Code.INVALID_ARGUMENT
    assert client.answer.text.startswith("The request has no header 'te: trailers'")


# How a handler fails


async def test_an_error_of_the_api_becomes_its_status_with_details() -> None:
    async def handler(message: Empty, call: Call) -> Empty:
        raise NotFound("Keine Warteschlange für 100 %.", Help("h", "https://example.com"))

    answer = await do(handler)
    assert (answer.http_status, answer.status, answer.text) == (200, 5, "Keine Warteschlange für 100 %.")
    assert answer.details.message == "Keine Warteschlange für 100 %."
    assert answer.body == b""


async def test_a_bug_is_internal_with_a_fixed_text_and_one_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def handler(message: Empty, call: Call) -> Empty:
        raise ValueError("secret")

    with caplog.at_level(logging.DEBUG):
        answer = await do(handler)
    assert (answer.status, answer.text) == (13, "Internal error encountered.")
    (record,) = caplog.records
    assert record.getMessage() == f"{DO} failed"
    assert record.exc_info is not None


async def test_a_handler_that_answers_something_else_is_a_bug() -> None:
    async def handler(message: Empty, call: Call) -> Any:
        return None

    assert (await do(handler)).status == 13


async def test_an_error_of_the_disk_is_not_taken_for_a_client_that_left() -> None:
    async def handler(message: Empty, call: Call) -> Empty:
        raise OSError(28, "No space left on device")

    assert (await do(handler)).status == 13


@pytest.mark.parametrize("handler", [nothing, None])
async def test_a_client_that_is_gone_when_the_answer_comes_is_no_error(
    handler: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def gone(message: Any) -> None:
        raise ConnectionResetError

    app = answering(handler) if handler else GrpcServer({})
    scope = {"type": "http", "method": "POST", "path": DO, "headers": [GRPC]}
    await app(scope, Client([framed(b"")]).receive, gone)
    assert caplog.records == []


async def test_a_call_cancelled_by_the_server_is_not_answered() -> None:
    begun = asyncio.Event()

    async def handler(message: Empty, call: Call) -> Empty:
        begun.set()
        await asyncio.Event().wait()
        return message

    client = Client([framed(b"")])
    call = asyncio.ensure_future(
        request(answering(handler), DO, client=client, headers=(GRPC, (b"grpc-timeout", b"20S")))
    )
    await begun.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert client.sent == []


# Deadlines


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"1H", 3600),
        (b"2M", 120),
        (b"20S", 20),
        (b"19999m", 19.999),
        (b"19999999u", 19.999999),
        (b"99999999n", 0.099999999),
        (b"0S", 0),
        (b"00000001S", 1),
    ],
)
def test_a_timeout_has_at_most_eight_digits_and_a_unit(value: bytes, seconds: float) -> None:
    assert parse_timeout(value) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "value", [b"", b"S", b"20", b"20s", b"-1S", b"+1S", b"1.5S", b"1_0S", b" 1S", b"123456789n", b"1\xb2S"]
)
async def test_a_malformed_timeout_is_an_invalid_argument(value: bytes) -> None:
    answer = await do(nothing, (b"grpc-timeout", value))
    assert answer.status == Code.INVALID_ARGUMENT
    assert "grpc-timeout" in answer.text


@given(st.binary(max_size=12))
def test_no_timeout_is_anything_but_seconds_or_an_invalid_argument(value: bytes) -> None:
    try:
        assert parse_timeout(value) >= 0
    except InvalidArgument:
        return


def test_a_handler_is_cancelled_at_the_deadline_and_not_earlier() -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        ended: list[float] = []

        async def handler(message: Empty, call: Call) -> Empty:
            assert call.deadline == pytest.approx(loop.time() + 3)
            try:
                await asyncio.sleep(60)
            finally:
                ended.append(loop.time())
            return message

        answer = await do(handler, (b"grpc-timeout", b"3S"))
        assert (answer.status, answer.text) == (Code.DEADLINE_EXCEEDED, "Deadline Exceeded")
        assert 3 <= ended[0] <= 3 + 2 * TICK

    in_virtual_time(story())


def test_a_body_that_does_not_come_is_given_up_at_the_deadline() -> None:
    async def story() -> None:
        client = Client([])

        async def never() -> Any:
            await asyncio.sleep(60)

        scope = {"type": "http", "method": "POST", "path": DO, "headers": [GRPC, TRAILERS, (b"grpc-timeout", b"500m")]}
        await answering(nothing)(scope, never, client.send)
        assert client.answer.status == Code.DEADLINE_EXCEEDED

    in_virtual_time(story())


def test_a_handler_that_is_done_at_the_deadline_is_answered() -> None:
    async def story() -> None:
        async def handler(message: Empty, call: Call) -> Empty:
            with contextlib.suppress(asyncio.CancelledError):  # what was begun could not be stopped, and is done
                await asyncio.sleep(60)
            return message

        assert (await do(handler, (b"grpc-timeout", b"1S"))).status == 0

    in_virtual_time(story())


def test_a_call_that_ended_is_not_cancelled_later() -> None:
    async def story() -> None:
        assert (await do(nothing, (b"grpc-timeout", b"1S"))).status == 0
        await asyncio.sleep(10)  # this very task was watched

    in_virtual_time(story())


def test_calls_with_deadlines_beside_each_other_end_each_at_its_own() -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        ended: dict[float, float] = {}

        async def handler(message: Empty, call: Call) -> Empty:
            await asyncio.sleep(60)
            return message

        app = answering(handler)

        async def one(milliseconds: int) -> None:
            headers = (GRPC, (b"grpc-timeout", b"%dm" % milliseconds))
            answer = await request(app, DO, [framed(b"")], headers=headers)
            assert answer.status == Code.DEADLINE_EXCEEDED
            ended[milliseconds / 1000] = loop.time()

        await asyncio.gather(*[one(number) for number in (10, 20, 55, 100, 1000, 1010, 5000)])
        assert all(due <= at <= due + 2 * TICK for due, at in ended.items())

    in_virtual_time(story())


def test_a_deadline_too_far_away_is_not_watched() -> None:
    async def story() -> None:
        deadlines, task = CallDeadlines(), asyncio.current_task()
        assert task is not None
        assert task in deadlines.watch(task, WATCHED_MAX + 1)
        await asyncio.sleep(2 * WATCHED_MAX)

    in_virtual_time(story())


# Calls that come together


async def test_bodies_of_calls_that_come_together_are_taken_before_any_of_them_is_handled() -> None:
    steps: list[str] = []

    class Noting(Client):
        async def receive(self) -> dict[str, Any]:
            steps.append("taken")
            return await super().receive()

    async def handle(message: Empty, call: Call) -> Empty:
        steps.append("handled")
        return message

    server = answering(handle)
    calls = [request(server, DO, headers=(GRPC,), client=Noting([framed(b"")])) for _ in range(3)]
    answers = await asyncio.gather(*calls)
    assert [answer.status for answer in answers] == [0, 0, 0]
    assert steps == ["taken"] * 3 + ["handled"] * 3


async def test_a_call_whose_client_leaves_between_its_body_and_its_handling_is_not_handled() -> None:
    handled: list[Empty] = []

    async def handle(message: Empty, call: Call) -> Empty:
        handled.append(message)
        return message

    client = Client([framed(b"")])
    call = asyncio.ensure_future(request(answering(handle), DO, client=client))
    while not client.asked:  # noqa: ASYNC110 - turns of the loop, not time
        await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert handled == []
    assert client.sent == []
