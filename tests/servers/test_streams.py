"""Streams: each response as it comes, over gRPC and REST, and what is refused before the first one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Coroutine
from typing import Any

import pytest
from tests.servers.driving import Answer, framed
from tests.servers.driving import request as ask
from tests.servers.streaming import EVENT, LINES, PATH, REQUEST, REST, Listener, Watched, call_of, events, never, two

from tidegate.core.errors import Code, InvalidArgument


async def echo(request: Any) -> AsyncGenerator[Any, None]:
    yield EVENT(text=request.cursor)


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


async def ended(answering: Coroutine[Any, Any, Answer]) -> int:
    return (await answering).status
