"""Streams: each response as it comes, heartbeats in between, and every way in which they end, over gRPC and REST."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

import pytest
from tests.servers.api import still_engine
from tests.servers.driving import GRPC, Answer, Client, framed, in_virtual_time
from tests.servers.driving import request as ask

from tidegate.api.operator import OperatorApi, Parts
from tidegate.core.errors import ApiError, Code, InvalidArgument, NotFound
from tidegate.schema.operator import Event, Operator, WatchEventsRequest
from tidegate.servers.asgi import App
from tidegate.servers.call import Disconnected
from tidegate.servers.call_counts import CallCounts
from tidegate.servers.in_flight import InFlight
from tidegate.servers.operator import operator_mounts
from tidegate.servers.streams import HEARTBEAT, STUCK, Streams

PATH = Operator.watch_events.grpc_path
REST = "/operator/v1/-/events:watch"
REQUEST, EVENT = WatchEventsRequest.pb(), Event.pb()
LINES = (b"accept", b"application/x-ndjson")

Script = Callable[[Any], AsyncGenerator[Any, None]]


class Listener(Client):
    """A client that stays until ``leave`` is called, and reads unless it is told to stop."""

    def __init__(self, *chunks: bytes) -> None:
        super().__init__(chunks)
        self._left = asyncio.Event()
        self.reading = asyncio.Event()
        self.reading.set()

    async def receive(self) -> dict[str, Any]:
        if self._events:
            return self._events.pop(0)
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "http.response.body":
            await self.reading.wait()

    def leave(self) -> None:
        self._left.set()

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)


class Watched:
    """An application with one stream, whose responses are scripted."""

    def __init__(self, script: Script, *, refusal: ApiError | None = None, most: int = 1000) -> None:
        self.closed = 0

        async def watch(parts: Parts, request: Any, name: Any, call: Any) -> AsyncGenerator[Any, None]:
            if refusal is not None:
                raise refusal
            return self._counting(script(request))

        api = OperatorApi(Parts(engine=still_engine()), {}, {"watch_events": watch})
        self.app = App()
        streams = Streams(self.app.closing, most)
        self.app.serve({}, operator_mounts(api, InFlight(), streams, CallCounts()))

    async def _counting(self, responses: AsyncGenerator[Any, None]) -> AsyncGenerator[Any, None]:
        try:
            async for response in responses:
                yield response
        finally:
            self.closed += 1

    async def grpc(self, client: Client | None = None, *headers: tuple[bytes, bytes]) -> Answer:
        client = client or Listener(framed(REQUEST(parent="-").SerializeToString()))
        return await ask(self.app, PATH, headers=[GRPC, *headers], client=client)

    async def rest(self, client: Client | None = None, *headers: tuple[bytes, bytes], query: str = "") -> Answer:
        client = client or Listener(b"")
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "path": REST,
            "raw_path": REST.encode(),
            "query_string": query.encode(),
            "headers": list(headers),
        }
        await self.app(scope, client.receive, client.send)
        return client.answer


def events(answer: Answer) -> list[Any]:
    body, found = answer.body, []
    while body:
        end = 5 + int.from_bytes(body[1:5], "big")
        found.append(EVENT.FromString(body[5:end]))
        body = body[end:]
    return found


async def two(request: Any) -> AsyncGenerator[Any, None]:
    yield EVENT(cursor="1", text="first")
    yield EVENT(cursor="2", text="second")


async def never(request: Any) -> AsyncGenerator[Any, None]:
    await asyncio.Event().wait()
    yield EVENT()


async def echo(request: Any) -> AsyncGenerator[Any, None]:
    yield EVENT(text=request.cursor)


async def fails(request: Any) -> AsyncGenerator[Any, None]:
    yield EVENT(text="first")
    raise NotFound("It is gone.")


async def breaks(request: Any) -> AsyncGenerator[Any, None]:
    yield EVENT(text="first")
    raise ZeroDivisionError


# What comes


async def test_over_grpc_each_response_is_a_message() -> None:
    answer = await Watched(two).grpc()
    assert [event.text for event in events(answer)] == ["first", "second"]
    assert answer.status == 0


async def test_over_rest_each_response_is_an_event_with_its_cursor() -> None:
    answer = await Watched(two).rest()
    assert answer.http_status == 200
    assert answer.headers[b"content-type"] == b"text/event-stream"
    opening, *told, end = answer.body.split(b"\n\n")
    assert (opening, end) == (b"retry: 1000", b"")
    assert told == [b'id: 1\ndata: {"cursor":"1","text":"first"}', b'id: 2\ndata: {"cursor":"2","text":"second"}']


async def test_who_accepts_lines_gets_a_line_of_json_for_each() -> None:
    answer = await Watched(two).rest(None, LINES)
    assert answer.headers[b"content-type"] == b"application/x-ndjson"
    assert [json.loads(line)["text"] for line in answer.body.splitlines()] == ["first", "second"]


async def test_the_query_says_which_fields_are_sent() -> None:
    answer = await Watched(two).rest(None, LINES, query="fields=text")
    assert answer.body.splitlines()[0] == b'{"text":"first"}'


async def test_a_browser_that_comes_back_says_the_cursor_in_a_header() -> None:
    answer = await Watched(echo).rest(None, (b"last-event-id", b"41"), LINES, query="cursor=7")
    assert json.loads(answer.body) == {"text": "41"}


async def test_a_head_request_gets_the_headers_alone() -> None:
    client = Listener(b"")
    scope = {"type": "http", "method": "HEAD", "path": REST, "raw_path": REST.encode(), "query_string": b""}
    await Watched(never).app({**scope, "http_version": "1.1", "headers": []}, client.receive, client.send)
    assert (client.answer.http_status, client.answer.body) == (200, b"")


# What is refused


async def test_an_error_before_the_first_response_is_answered_as_usual() -> None:
    watched = Watched(two, refusal=InvalidArgument("The filter is wrong."))
    over_grpc = await watched.grpc()
    assert (over_grpc.status, over_grpc.text, over_grpc.body) == (Code.INVALID_ARGUMENT, "The filter is wrong.", b"")
    over_rest = await watched.rest()
    assert over_rest.http_status == 400
    assert json.loads(over_rest.body)["error"]["message"] == "The filter is wrong."


@pytest.mark.parametrize(
    ("chunk", "code"),
    [
        (framed(b"\xff"), Code.INVALID_ARGUMENT),
        (b"", Code.INVALID_ARGUMENT),
        (framed(b"") * 2, Code.INVALID_ARGUMENT),
        (framed(REQUEST(parent="projects").SerializeToString()), Code.INVALID_ARGUMENT),
        (b"\0\xff\xff\xff\xff", Code.RESOURCE_EXHAUSTED),
    ],
)
async def test_a_request_that_is_none_is_refused_over_grpc(chunk: bytes, code: Code) -> None:
    answer = await Watched(two).grpc(Listener(chunk))
    assert (answer.status, answer.body) == (code, b"")


@pytest.mark.parametrize("query", ["cursor=%ff", "unknown=1", "replayLast=x", "&".join(["kinds=GAP"] * 1001)])
async def test_a_query_that_is_none_is_refused_over_rest(query: str) -> None:
    assert (await Watched(two).rest(query=query)).http_status == 400


async def test_other_methods_and_content_types_are_no_streams() -> None:
    app = Watched(two).app
    answer = await ask(app, PATH, headers=[(b"content-type", b"application/grpc+json")])
    assert answer.status == Code.UNIMPLEMENTED


async def test_only_so_many_streams_are_open_at_once() -> None:
    watched = Watched(never, most=1)
    client = Listener(framed(REQUEST(parent="-").SerializeToString()))
    first = asyncio.ensure_future(watched.app(*call_of(client)))
    await asyncio.sleep(0.01)
    assert (await watched.grpc()).status == Code.RESOURCE_EXHAUSTED
    assert (await watched.rest()).http_status == 429
    client.leave()
    await first
    assert await ended(watched.grpc(None, (b"grpc-timeout", b"1n"))) == Code.DEADLINE_EXCEEDED


def call_of(client: Client) -> tuple[Any, Any, Any]:
    headers = [GRPC, (b"te", b"trailers")]
    scope = {"type": "http", "http_version": "2", "method": "POST", "path": PATH, "raw_path": PATH.encode()}
    return {**scope, "headers": headers}, client.receive, client.send


async def ended(answering: Coroutine[Any, Any, Answer]) -> int:
    return (await answering).status


# How they end


async def test_an_error_ends_the_stream_with_what_it_was() -> None:
    answer = await Watched(fails).grpc()
    assert ([event.text for event in events(answer)], answer.status) == (["first"], Code.NOT_FOUND)
    line = (await Watched(fails).rest(None, LINES)).body.splitlines()[-1]
    assert json.loads(line) == {"error": {"code": 404, "message": "It is gone.", "status": "NOT_FOUND"}}
    last = (await Watched(fails).rest()).body.split(b"\n\n")[-2]
    assert last.startswith(b'event: status\ndata: {"error":')


async def test_an_unexpected_error_tells_nothing_of_itself() -> None:
    answer = await Watched(breaks).grpc()
    assert (answer.status, answer.text) == (Code.INTERNAL, "Internal error encountered.")
    assert b"ZeroDivision" not in (await Watched(breaks).rest()).body


async def test_a_client_that_leaves_is_noticed_at_once() -> None:
    watched, client = Watched(never), Listener(framed(REQUEST(parent="-").SerializeToString()))
    call = asyncio.ensure_future(watched.app(*call_of(client)))
    await asyncio.sleep(0.01)
    assert watched.closed == 0
    client.leave()
    await call
    assert [message["type"] for message in client.sent] == ["http.response.start"]


async def test_a_stream_whose_call_is_cancelled_closes_what_it_reads_from() -> None:
    watched = Watched(one_then_never)
    client = Listener(framed(REQUEST(parent="-").SerializeToString()))
    call = asyncio.ensure_future(watched.app(*call_of(client)))
    await asyncio.sleep(0.01)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert watched.closed == 1


async def one_then_never(request: Any) -> AsyncGenerator[Any, None]:
    yield EVENT(text="first")
    await asyncio.Event().wait()


def test_without_news_there_is_a_heartbeat() -> None:
    async def scene() -> None:
        for start, beat in ((Watched(one_then_never).grpc, b"\0\0\0\0\0"), (Watched(one_then_never).rest, b":\n\n")):
            client = Listener(framed(REQUEST(parent="-").SerializeToString()))
            call = asyncio.ensure_future(start(client))
            await asyncio.sleep(HEARTBEAT * 2.5)
            assert client.body.count(beat) == 2
            assert client.body.endswith(beat)
            client.leave()
            await asyncio.wait([call])

    in_virtual_time(scene())


def test_the_deadline_of_a_call_ends_it() -> None:
    async def scene() -> None:
        answer = await Watched(one_then_never).grpc(None, (b"grpc-timeout", b"40S"))
        assert answer.status == Code.DEADLINE_EXCEEDED
        assert asyncio.get_running_loop().time() == pytest.approx(40)

    in_virtual_time(scene())


def test_a_server_that_stops_ends_its_streams_at_once() -> None:
    async def scene() -> None:
        watched = Watched(never)
        over_grpc = asyncio.ensure_future(watched.grpc())
        over_rest = asyncio.ensure_future(watched.rest())
        await asyncio.sleep(1)
        await watched.app.leave()
        assert (await over_grpc).status == Code.UNAVAILABLE
        assert b"The server is shutting down." in (await over_rest).body
        assert asyncio.get_running_loop().time() < 1.1

    in_virtual_time(scene())


def test_a_client_that_does_not_read_does_not_hold_up_the_stop() -> None:
    async def scene() -> None:
        watched, client = Watched(one_then_never), Listener(framed(REQUEST(parent="-").SerializeToString()))
        call = asyncio.ensure_future(watched.app(*call_of(client)))
        client.reading.clear()
        await asyncio.sleep(1)
        await watched.app.leave()
        await call
        assert asyncio.get_running_loop().time() < 1.1

    in_virtual_time(scene())


async def one_by_one(request: Any) -> AsyncGenerator[Any, None]:
    while True:
        yield EVENT(text="first")
        await asyncio.sleep(2)


def test_a_client_that_takes_nothing_for_a_minute_counts_as_gone() -> None:
    async def scene() -> None:
        for start in ("grpc", "rest"):
            watched, client = Watched(one_by_one), Listener(framed(REQUEST(parent="-").SerializeToString()))
            loop = asyncio.get_running_loop()
            began = loop.time()
            loop.call_later(1, client.reading.clear)
            with pytest.raises((AssertionError, Disconnected)):  # there is no whole answer
                await getattr(watched, start)(client)
            assert loop.time() == pytest.approx(began + HEARTBEAT + STUCK)
            assert watched.closed == 1

    in_virtual_time(scene())


async def test_the_writer_that_is_cut_is_no_error() -> None:
    watched = Watched(two)

    class Gone(Listener):
        async def send(self, message: Any) -> None:
            if message["type"] == "http.response.body":
                raise OSError
            await super().send(message)

    for start in (watched.grpc, watched.rest):
        client = Gone(framed(REQUEST(parent="-").SerializeToString()))
        with pytest.raises((AssertionError, Disconnected)):  # there is no whole answer
            await start(client)
        assert [message["type"] for message in client.sent] == ["http.response.start"]
