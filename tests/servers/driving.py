"""Talking to an ASGI application without a server: what it receives is scripted, what it sends is kept."""

from __future__ import annotations

import asyncio
import selectors
from base64 import b64decode
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

from google.rpc import status_pb2

T = TypeVar("T")
GRPC = (b"content-type", b"application/grpc")
TRAILERS = (b"te", b"trailers")
"""What goes with it in each call."""


class Answer:
    """What the application sent, taken apart. Fails when that is not one well-formed answer."""

    def __init__(self, sent: list[dict[str, Any]]) -> None:
        self.sent = sent
        kinds = [message["type"] for message in sent]
        start = sent[0]
        assert kinds[0] == "http.response.start"
        assert kinds.count("http.response.start") == 1
        self.http_status: int = start["status"]
        self.headers = dict(start["headers"])
        self.body = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
        self.trailers: dict[bytes, bytes] = {}
        if start.get("trailers"):
            assert kinds[-1] == "http.response.trailers"
            self.trailers = dict(sent[-1]["headers"])
        else:
            assert kinds[-1] == "http.response.body"
            assert not sent[-1].get("more_body")

    @property
    def status(self) -> int:
        """The gRPC status; it must be in exactly one place."""
        (status,) = [where[b"grpc-status"] for where in (self.headers, self.trailers) if b"grpc-status" in where]
        return int(status)

    @property
    def text(self) -> str:
        return unquote_to_bytes((self.headers | self.trailers).get(b"grpc-message", b"")).decode()

    @property
    def payload(self) -> bytes:
        """The one message of the body."""
        assert self.body[:1] == b"\0"
        assert int.from_bytes(self.body[1:5], "big") == len(self.body) - 5
        return self.body[5:]

    @property
    def details(self) -> status_pb2.Status:
        raw = (self.headers | self.trailers)[b"grpc-status-details-bin"]
        assert not raw.endswith(b"=")
        return status_pb2.Status.FromString(b64decode(raw + b"=" * (-len(raw) % 4)))


class Client:
    """The other side of one request."""

    def __init__(self, chunks: Iterable[bytes], *, leaves: bool = False) -> None:
        chunks = list(chunks) or [b""]
        self._events = [
            {"type": "http.request", "body": chunk, "more_body": leaves or chunk_number < len(chunks)}
            for chunk_number, chunk in enumerate(chunks, start=1)
        ]
        self._leaves = leaves
        self.asked = 0
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        self.asked += 1
        if self._events:
            return self._events.pop(0)
        if self._leaves:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Any) -> None:
        self.sent.append(dict(message))

    @property
    def answer(self) -> Answer:
        return Answer(self.sent)


async def request(
    app: Callable[..., Awaitable[None]],
    path: str,
    chunks: Iterable[bytes] = (),
    *,
    method: str = "POST",
    headers: Iterable[tuple[bytes, bytes]] = (GRPC,),
    client: Client | None = None,
    http_version: str = "2",
) -> Answer:
    """One request to ``app``, and its answer."""
    client = client or Client(chunks)
    headers = list(headers)
    if any(name == b"content-type" and value.lower().startswith(b"application/grpc") for name, value in headers):
        headers.append(TRAILERS)
    scope = {
        "type": "http",
        "http_version": http_version,
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "headers": headers,
    }
    await app(scope, client.receive, client.send)
    return client.answer


def framed(payload: bytes, *, flag: int = 0) -> bytes:
    return bytes([flag]) + len(payload).to_bytes(4, "big") + payload


class _Skipping(selectors.DefaultSelector):
    """Where the loop would wait for its next timer, time jumps there."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> Any:
        assert timeout is not None, "everything waits, and no timer is set"
        if timeout > 0:
            self.passed += timeout
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop on a clock of its own, which stands still while anything runs."""

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.passed


def in_virtual_time(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
