"""Streams over REST: server-sent events, or a line of JSON for each response (``Accept: application/x-ndjson``).

An error before the first response is answered as usual. Later ones come in the stream: as an event of the type
``status``, or as a line ``{"error": …}``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any, Final, NamedTuple

from tidegate.api.operator.rpcs import StreamAnswer
from tidegate.api.status import HTTP_STATUS, json_bytes, rest_error, rest_error_body
from tidegate.core.errors import ApiError, InvalidArgument
from tidegate.schema.rpc import Rpc
from tidegate.schema.transcoding import (
    Match,
    Options,
    Router,
    check_query,
    read_options,
    read_request,
    split_query,
    write_response,
)
from tidegate.servers.call import AsgiApp, Call, Receive, Scope, Send
from tidegate.servers.grpc_streams import internal
from tidegate.servers.respond import respond
from tidegate.servers.rest.body import drop_body
from tidegate.servers.streams import Streams

NDJSON: Final = b"application/x-ndjson"
EVENTS: Final = b"text/event-stream"
CURSOR: Final = "cursor"
"""The field of a response that a client sends back to go on from there, and of the request that takes it."""

# nginx would collect what little is sent.
_UNBUFFERED: Final = [(b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]


class _Form(NamedTuple):
    """How a stream is written: what stands at its beginning, and the sign that it is alive."""

    content_type: bytes
    opening: bytes
    heartbeat: bytes

    def message(self, response: Any, options: Options) -> bytes:
        text = write_response(response, int_enums=options.int_enums, pretty=False, fields=options.fields)
        if self.content_type == NDJSON:
            return text + b"\n"
        cursor: str = getattr(response, CURSOR, "")
        return (f"id: {cursor}\n".encode() if cursor else b"") + b"data: " + text + b"\n\n"

    def error(self, error: ApiError) -> bytes:
        text = json_bytes(rest_error(error), pretty=False)
        return text + b"\n" if self.content_type == NDJSON else b"event: status\ndata: " + text + b"\n\n"


_LINES: Final = _Form(NDJSON, b"", b"{}\n")
_EVENTS: Final = _Form(EVENTS, b"retry: 1000\n\n", b":\n\n")  # a browser that lost it asks again after a second


class StreamingRest:
    """An ASGI application: the calls of these rows are answered by streams, all others by ``otherwise``."""

    def __init__(self, answers: Mapping[Rpc[Any, Any], StreamAnswer], streams: Streams, otherwise: AsgiApp) -> None:
        self._answers = dict(answers)
        self._router = Router(answers)
        self._streams = streams
        self._otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        path = scope["raw_path"].decode("utf-8", "surrogateescape")
        match = self._router.match("GET" if method == "HEAD" else method, path)
        if match is None:
            await self._otherwise(scope, receive, send)
            return
        try:
            await drop_body(receive)
            with self._streams.place():
                options, request = _asked(match, scope)
                responses = await self._answers[match.row](request, Call(scope, None))
                async with aclosing(responses):
                    await self._stream(match.row, responses, options, scope, receive, send)
        except ApiError as error:
            await respond(method, send, HTTP_STATUS[error.code], rest_error_body(error))

    async def _stream(
        self,
        row: Rpc[Any, Any],
        responses: AsyncIterator[Any],
        options: Options,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Send a whole answer. Raises Disconnected, but no ApiError."""
        form = _LINES if NDJSON in dict(scope["headers"]).get(b"accept", b"") else _EVENTS
        headers = [(b"content-type", form.content_type), *_UNBUFFERED]
        await send({"type": "http.response.start", "status": 200, "headers": headers})

        async def say(text: bytes) -> None:
            await send({"type": "http.response.body", "body": text, "more_body": True})

        async def write(response: Any) -> None:
            await say(form.message(response, options))

        async def beat() -> None:
            await say(form.heartbeat)

        if scope["method"] != "HEAD":
            try:
                await say(form.opening)
                with internal(row):
                    await self._streams.relay(responses, write, beat, receive)
            except ApiError as error:
                await say(form.error(error))
        await send({"type": "http.response.body", "body": b""})


def _asked(match: Match, scope: Scope) -> tuple[Options, Any]:
    """How the answer is wanted, and the request; an event's ID that a browser sends is its cursor."""
    query: bytes = scope["query_string"]
    check_query(query)
    try:
        parameters = split_query(query.decode())
    except UnicodeDecodeError as error:
        raise InvalidArgument("The query is not UTF-8.") from error
    request = read_request(match.row, match.variables, parameters)
    last = dict(scope["headers"]).get(b"last-event-id", b"")
    if last and CURSOR in request.DESCRIPTOR.fields_by_name:
        request.cursor = last.decode("latin-1")  # it is newer than what the page's URL says
    return read_options(parameters), request
