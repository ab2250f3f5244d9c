"""An application with one stream, and a client that stays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

from tests.servers.api import still_engine
from tests.servers.driving import GRPC, Answer, Client, framed
from tests.servers.driving import request as ask

from tidegate.api.operator import OperatorApi, Parts
from tidegate.core.errors import ApiError
from tidegate.schema.operator import Event, Operator, WatchEventsRequest
from tidegate.servers.asgi import App
from tidegate.servers.call_counts import CallCounts
from tidegate.servers.in_flight import InFlight
from tidegate.servers.operator import operator_mounts
from tidegate.servers.streams import Streams

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


def call_of(client: Client) -> tuple[Any, Any, Any]:
    headers = [GRPC, (b"te", b"trailers")]
    scope = {"type": "http", "http_version": "2", "method": "POST", "path": PATH, "raw_path": PATH.encode()}
    return {**scope, "headers": headers}, client.receive, client.send
