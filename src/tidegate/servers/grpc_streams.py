"""gRPC methods that answer one request with any number of messages. They are apart from the unary server, which they do
not slow down.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

from google.protobuf.message import DecodeError

from tidegate.api.operator.rpcs import StreamAnswer
from tidegate.api.status import grpc_trailers
from tidegate.core.errors import ApiError, DeadlineExceeded, Internal, InvalidArgument, Unimplemented
from tidegate.schema.limits import SMALL
from tidegate.schema.rpc import Rpc
from tidegate.servers.call import Call, Disconnected, Headers, Receive, Scope, Send
from tidegate.servers.deadlines import parse_timeout
from tidegate.servers.framing import PREFIX, in_time, read_message
from tidegate.servers.grpc import START, is_grpc, send_error
from tidegate.servers.in_flight import InFlight
from tidegate.servers.streams import Streams

log = logging.getLogger(__name__)


class GrpcStream:
    """An ASGI application for one method: ``answer`` makes the responses of a request."""

    def __init__(self, row: Rpc[Any, Any], answer: StreamAnswer, streams: Streams) -> None:
        self._row = row
        self._answer = answer
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        if scope["method"] != "POST" or not is_grpc(headers.get(b"content-type", b"")):
            await send_error(send, Unimplemented(f"{self._row.rpc_name} is called with POST, in protobuf."))
            return
        began = False
        try:
            with self._streams.place():
                async with _deadline(headers) as deadline:
                    request = await self._read(headers, receive)
                    responses = await self._answer(request, Call(scope, deadline))
                    async with contextlib.aclosing(responses):
                        await send(START)
                        began = True
                        await self._relay(responses, receive, send)
            trailers: Headers = [(b"grpc-status", b"0")]
        except ApiError as error:
            if not began:
                await send_error(send, error)
                return
            trailers = grpc_trailers(error)
        await send({"type": "http.response.body", "body": b""})
        await send({"type": "http.response.trailers", "headers": trailers})

    async def _read(self, headers: dict[bytes, bytes], receive: Receive) -> Any:
        with contextlib.closing(InFlight().hold()) as held:
            event = await receive()
            payload = await in_time(read_message(event, receive, headers.get(b"grpc-encoding"), SMALL, held))
        try:
            return self._row.request_pb.FromString(bytes(payload))
        except DecodeError:
            name = self._row.request_pb.DESCRIPTOR.name
            raise InvalidArgument(f"The message is no valid {name}.") from None

    async def _relay(self, responses: AsyncIterator[Any], receive: Receive, send: Send) -> None:
        async def write(response: Any) -> None:
            payload = response.SerializeToString()
            await send({"type": "http.response.body", "body": PREFIX(len(payload)) + payload, "more_body": True})

        async def beat() -> None:
            await send({"type": "http.response.body", "body": PREFIX(0), "more_body": True})

        with internal(self._row):
            await self._streams.relay(responses, write, beat, receive)


@contextlib.contextmanager
def internal(row: Rpc[Any, Any]) -> Iterator[None]:
    """Turn an unexpected error within the block into Internal, and log it."""
    try:
        yield
    except (ApiError, Disconnected):
        raise
    except Exception:
        log.exception("%s failed", row.full_name, extra={"request": row.full_name})
        raise Internal("Internal error encountered.") from None


@contextlib.asynccontextmanager
async def _deadline(headers: dict[bytes, bytes]) -> AsyncIterator[float | None]:
    """The time by which the call must end, in seconds of the loop's clock; the block is cut then."""
    value = headers.get(b"grpc-timeout")
    if value is None:
        yield None
        return
    deadline = asyncio.get_running_loop().time() + parse_timeout(value)
    try:
        async with asyncio.timeout_at(deadline):
            yield deadline
    except TimeoutError:
        raise DeadlineExceeded("Deadline Exceeded") from None
