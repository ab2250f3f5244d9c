"""Unary gRPC over ASGI.

The wire is ``gRPC over HTTP/2``: one framed message each way, the outcome in the trailers. Python's gRPC servers spend
most of their time around the handler; this one stays within a tenth of an ASGI application that does nothing at all,
which is why it looks at each call as little as it can.
"""

from __future__ import annotations

import asyncio
import logging
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final, NamedTuple, TypeAlias

from google.protobuf.message import DecodeError

from tidegate.api.status import grpc_trailers
from tidegate.core.errors import ApiError, Code, DeadlineExceeded, Internal, Unimplemented
from tidegate.servers.deadlines import Deadlines, parse_timeout
from tidegate.servers.framing import ACCEPTED_ENCODINGS, Disconnected, Receive, frame, read_message

Scope: TypeAlias = MutableMapping[str, Any]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

log = logging.getLogger(__name__)


class Call:
    """What a handler may ask about its call beside the message."""

    __slots__ = ("_headers", "deadline", "path")

    def __init__(self, path: str, headers: list[tuple[bytes, bytes]], deadline: float | None) -> None:
        self.path = path
        """The full method, ``/package.Service/Method``."""
        self.deadline = deadline
        """When the client gives up, in seconds of the event loop's clock; None: never."""
        self._headers = headers

    @property
    def metadata(self) -> dict[str, str | bytes]:
        """The request's headers. Values of one name are joined by commas; ``-bin`` values are decoded."""
        metadata: dict[str, str | bytes] = {}
        for raw_name, raw_value in self._headers:
            name = raw_name.decode("latin-1")
            if name.endswith("-bin"):
                metadata[name] = _binary(raw_value)
            else:
                value = raw_value.decode("latin-1")
                earlier = metadata.get(name)
                metadata[name] = f"{earlier},{value}" if isinstance(earlier, str) else value
        return metadata


class Method(NamedTuple):
    """One RPC: the raw protobuf class of its request, and who answers."""

    request: Any
    handler: Callable[[Any, Call], Awaitable[Any]]


# Everything that is the same for every call is made once; pyvoy only reads it.
CONTENT_TYPES: Final = frozenset({b"application/grpc", b"application/grpc+proto"})
_HEADERS: Final = [(b"content-type", b"application/grpc")]
_START: Final = {"type": "http.response.start", "status": 200, "headers": _HEADERS, "trailers": True}
_OK: Final = {"type": "http.response.trailers", "headers": [(b"grpc-status", b"0")]}
_END: Final = {"type": "http.response.body", "body": b""}


def is_grpc(content_type: bytes) -> bool:
    """Whether a body of this type is protobuf in gRPC frames; gRPC-Web, JSON and others are not."""
    return content_type.partition(b";")[0].strip().lower() in CONTENT_TYPES


class GrpcServer:
    """An ASGI application that answers unary gRPC calls; ``methods`` are keyed by path, ``/package.Service/Method``."""

    def __init__(self, methods: Mapping[str, Method]) -> None:
        self.methods = dict(methods)
        self._deadlines = Deadlines()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # One dict of the header list costs less than a loop over it: about 0.4 us for the ten headers clients send.
        headers = dict(scope["headers"])
        method = self.methods.get(scope["path"])
        if method is None or scope["method"] != "POST" or headers.get(b"content-type") not in CONTENT_TYPES:
            method = await self._second_look(scope, headers, send)
            if method is None:
                return
        try:
            timeout = headers.get(b"grpc-timeout")
            if timeout is None:
                payload = await _answer(method, scope, headers, receive, None)
            else:
                payload = await self._answer_in_time(method, scope, headers, receive, parse_timeout(timeout))
        except ApiError as error:
            await send_error(send, error)
        except Disconnected:
            return
        except Exception:
            log.exception("%s failed", scope["path"])
            await send_error(send, Internal("Internal error encountered."))
        else:
            try:
                await send(_START)
                await send({"type": "http.response.body", "body": frame(payload)})
                await send(_OK)
            except OSError:
                return  # the client has left

    async def _second_look(self, scope: Scope, headers: dict[bytes, bytes], send: Send) -> Method | None:
        """The method, when what the first look did not take is a call all the same; else None, and it is answered."""
        if not is_grpc(headers.get(b"content-type", b"")):
            await _send_http_error(send, 415, (b"accept", b"application/grpc"))
            return None
        if scope["method"] != "POST":
            await _send_http_error(send, 405, (b"allow", b"POST"))
            return None
        method = self.methods.get(scope["path"])
        if method is None:
            await send_error(send, self._unknown(scope["path"]))
        return method

    def _unknown(self, path: str) -> Unimplemented:
        service, slash, name = path.removeprefix("/").rpartition("/")
        if not path.startswith("/") or not slash or not service:
            return Unimplemented(f"malformed method name: {path!r}")
        if any(known.startswith(f"/{service}/") for known in self.methods):
            return Unimplemented(f"unknown method {name} for service {service}")
        return Unimplemented(f"unknown service {service}")

    async def _answer_in_time(
        self, method: Method, scope: Scope, headers: dict[bytes, bytes], receive: Receive, seconds: float
    ) -> bytes:
        """As ``_answer``, given up after ``seconds``. Only the wait for the answer is cut, never its sending."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine of an event loop runs in a task
        deadline = task.get_loop().time() + seconds
        waiting = self._deadlines.watch(task, deadline)
        try:
            return await _answer(method, scope, headers, receive, deadline)
        except asyncio.CancelledError:
            if task in waiting:
                raise  # cancelled by someone else
            task.uncancel()
            raise DeadlineExceeded("Deadline Exceeded") from None
        finally:
            waiting.discard(task)


async def _answer(
    method: Method, scope: Scope, headers: dict[bytes, bytes], receive: Receive, deadline: float | None
) -> bytes:
    """The bytes of the handler's answer."""
    event = await receive()
    body = event.get("body", b"")
    # Nearly every message comes whole and not compressed: checked in one line, all else is read_message's.
    if event.get("more_body") or body[:1] != b"\0" or int.from_bytes(body[1:5], "big") + 5 != len(body):
        payload = await read_message(event, receive, headers.get(b"grpc-encoding"))
    else:
        payload = body[5:]
    request, handler = method
    try:
        message = request.FromString(payload)
    except DecodeError:
        raise Internal(f"Error parsing the request as {request.DESCRIPTOR.name}.") from None
    reply = await handler(message, Call(scope["path"], scope["headers"], deadline))
    serialized: bytes = reply.SerializeToString()
    return serialized


async def send_error(send: Send, error: ApiError) -> None:
    """An answer without a message: all of it in the headers (``Trailers-Only``)."""
    headers = [*_HEADERS, *grpc_trailers(error)]
    if error.code is Code.UNIMPLEMENTED:
        headers.append((b"grpc-accept-encoding", ACCEPTED_ENCODINGS))
    try:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send(_END)
    except OSError:
        return  # the client has left


async def _send_http_error(send: Send, status: int, header: tuple[bytes, bytes]) -> None:
    """An answer to what is not gRPC at all."""
    try:
        await send({"type": "http.response.start", "status": status, "headers": [header]})
        await send(_END)
    except OSError:
        return


def _binary(value: bytes) -> bytes:
    """A ``-bin`` header's bytes; several values of one name may come joined by commas, the first counts."""
    first = value.partition(b",")[0].strip()
    try:
        return b64decode(first + b"=" * (-len(first) % 4))
    except ValueError:
        return b""
