"""Unary gRPC over ASGI.

The protocol is ``gRPC over HTTP/2``: one framed message each way, and the outcome in the trailers. Python's gRPC
servers spend most of their time around the handler. This one is at most a tenth slower than an ASGI application that
does nothing, so it does as little as possible for each call.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Any, Final, NamedTuple

from google.protobuf.message import DecodeError

from tidegate.api.pace import Pace
from tidegate.api.status import grpc_trailers
from tidegate.core.errors import ApiError, Code, DeadlineExceeded, Internal, InvalidArgument, Unimplemented
from tidegate.schema.limits import SMALL, scan
from tidegate.servers.call import Call, Disconnected, Headers, Receive, Scope, Send
from tidegate.servers.call_counts import CallCounts
from tidegate.servers.deadlines import CallDeadlines, parse_timeout
from tidegate.servers.framing import ACCEPTED_ENCODINGS, END, MESSAGE_MAX, PREFIX, in_time, joined, read_message
from tidegate.servers.in_flight import InFlight

log = logging.getLogger(__name__)


class GrpcMethod(NamedTuple):
    """One RPC: the raw protobuf class of its request, and the handler, which returns a message or its bytes.

    ``most`` is the most bytes of a request, ``field_most`` of each of its fields. With ``insists`` the answer is sent
    however many bytes are in flight, because it reports a change that was made.
    """

    request: Any
    handler: Callable[[Any, Call], Awaitable[Any]]
    most: int = MESSAGE_MAX
    insists: bool = False
    field_most: int = MESSAGE_MAX


# Made once for all calls; the HTTP server only reads them.
CONTENT_TYPES: Final = frozenset({b"application/grpc", b"application/grpc+proto"})
_SENT_PIECE: Final = 1024 * 1024
_HEADERS: Final = [(b"content-type", b"application/grpc")]
START: Final = {"type": "http.response.start", "status": 200, "headers": _HEADERS, "trailers": True}
"""The beginning of an answer with a message in it."""
_OK: Final = {"type": "http.response.trailers", "headers": [(b"grpc-status", b"0")]}


def is_grpc(content_type: bytes) -> bool:
    """Whether the content type is protobuf in gRPC frames. gRPC-Web, JSON and others are not."""
    return content_type.partition(b";")[0].strip().lower() in CONTENT_TYPES


class GrpcServer:
    """An ASGI application that answers unary gRPC calls; ``methods`` are keyed by path, ``/package.Service/Method``."""

    def __init__(
        self, methods: Mapping[str, GrpcMethod], in_flight: InFlight | None = None, calls: CallCounts | None = None
    ) -> None:
        """``calls`` counts those of known methods."""
        self.methods = dict(methods)
        self._calls = (calls or CallCounts()).grpc
        self._in_flight = in_flight or InFlight()
        self._deadlines = CallDeadlines()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: C901, PLR0915
        # A call without errors runs in this one coroutine. Each further coroutine would cost 0.2 us, and again as much
        # whenever the call is resumed.
        task: Any = None
        waiting = failure = held = long = None
        code = "OK"
        begun = perf_counter()
        path = scope["path"]
        try:
            method = self.methods.get(path)
            headers = dict(scope["headers"])  # 0.3 us for the nine that clients send; a loop takes twice that
            if (
                method is None
                or headers.get(b"content-type") not in CONTENT_TYPES
                or headers.get(b"te") != b"trailers"
                or scope["method"] != "POST"
            ):
                method = await self._second_look(scope, headers, send)
                if method is None:
                    return
            deadline = None
            if (timeout := headers.get(b"grpc-timeout")) is not None:
                task = asyncio.current_task()
                deadline = task.get_loop().time() + parse_timeout(timeout)
                waiting = self._deadlines.watch(task, deadline)
            # The HTTP server's thread is woken when a body is taken. Of calls that come together, the bodies are taken
            # one right after the other, so that it is woken once: a quarter of a create's processor time.
            await asyncio.sleep(0)
            event = await receive()
            body = event.get("body")
            end = await receive() if event.get("more_body") else END  # over HTTP/2 the end is an event of its own
            await asyncio.sleep(0)
            request, handler, most, insists, field_most = method
            # Nearly every message is complete, short and uncompressed. read_message reads all others.
            if (
                not body
                or body[0]
                or end != END
                or int.from_bytes(body[1:5], "big") + 5 != len(body)
                or len(body) > SMALL
            ):
                held = self._in_flight.hold()
                first = event if end is END else joined(event, end)
                payload = await in_time(read_message(first, receive, headers.get(b"grpc-encoding"), most, held))
                del first
            else:
                payload = body[5:]
            try:
                message = (
                    request.FromString(payload)
                    if len(payload) <= SMALL
                    else await _decode(request, payload, field_most)
                )
            except DecodeError:
                # gRPC's own table has INTERNAL for this. Here INTERNAL means a bug of the server; a bad request is
                # refused as the client's mistake, as over REST.
                raise InvalidArgument(f"The message is no valid {request.DESCRIPTOR.name}.") from None
            answering = handler(message, Call(scope, deadline))
            # The handler may wait for the store. Objects that are freed now are used again by the next call, while they
            # are in the processor's cache; a hundred waiting calls with all their objects would not fit into it. So a
            # waiting create holds 19 objects, not 54, which saves 8 % of its time on the loop.
            del payload, body, event, message, headers, scope, receive
            reply = await answering
            payload = reply if type(reply) is bytes else reply.SerializeToString()
            if len(payload) > SMALL:
                if held is not None:
                    held.close()  # nothing of the request is left
                long = self._in_flight.hold()
                (long.insist if insists else long.grow_to)(len(payload))
        except ApiError as error:
            failure = _error_headers(error)  # not the error itself, which refers to this frame
            code = error.code.name
        except Disconnected:
            code = "CANCELLED"
            return
        except asyncio.CancelledError:
            if waiting is None or task in waiting:
                code = "CANCELLED"
                raise  # by someone else
            code = "DEADLINE_EXCEEDED"
            task.uncancel()
            failure = _error_headers(DeadlineExceeded("Deadline Exceeded"))
        except Exception:
            log.exception("%s failed", path, extra={"request": path.strip("/")})
            code = "INTERNAL"
            failure = _error_headers(Internal("Internal error encountered."))
        finally:
            if waiting is not None:
                waiting.discard(task)  # a call that has ended is answered, even after its deadline
            if held is not None:
                held.close()
            if path in self.methods:
                counts = self._calls[path]
                counts.codes[code] += 1
                counts.durations.add(perf_counter() - begun)
        if failure is not None:
            await _send_headers(send, 200, failure)
            return
        try:
            await send(START)
            if long is None:
                await send({"type": "http.response.body", "body": PREFIX(len(payload)) + payload})
            else:
                await _send_long(send, payload)
            await send(_OK)
        except OSError:
            return  # the client has left
        finally:
            if long is not None:
                long.close()

    async def _second_look(self, scope: Scope, headers: dict[bytes, bytes], send: Send) -> GrpcMethod | None:
        """The method of a call that the fast check did not accept but that is valid. None when it has been refused."""
        if not is_grpc(headers.get(b"content-type", b"")):
            await _send_headers(send, 415, [(b"accept", b"application/grpc")])
            return None
        if scope["method"] != "POST":
            await _send_headers(send, 405, [(b"allow", b"POST")])
            return None
        if headers.get(b"te", b"").strip().lower() != b"trailers":
            raise InvalidArgument("The request has no header 'te: trailers': a proxy that drops it cannot carry gRPC.")
        method = self.methods.get(scope["path"])
        if method is None:
            raise self._unknown(scope["path"])
        return method

    def _unknown(self, path: str) -> Unimplemented:
        service, _, name = path.removeprefix("/").rpartition("/")
        if not path.startswith("/") or not service:
            return Unimplemented(f"malformed method name: {path!r}")
        if any(known.startswith(f"/{service}/") for known in self.methods):
            return Unimplemented(f"unknown method {name} for service {service}")
        return Unimplemented(f"unknown service {service}")


async def _decode(request: Any, payload: bytes | bytearray, field_most: int) -> Any:
    """Decode a long message in pieces with pauses, after its counts were checked."""
    pace = Pace()
    cuts: list[int] = []
    for cut in scan(request.DESCRIPTOR, payload, field_most):
        if cut and (not cuts or cut != cuts[-1]):
            cuts.append(cut)
        if pace.due:
            await pace.step()
    message, view, begin = request(), memoryview(payload), 0
    for cut in cuts:
        message.MergeFromString(view[begin:cut])
        begin = cut
        if pace.due:
            await pace.step()
    return message


async def _send_long(send: Send, payload: bytes | bytearray) -> None:
    """Send a long message without copying all of it."""
    await send({"type": "http.response.body", "body": PREFIX(len(payload)), "more_body": True})
    for begin in range(0, len(payload), _SENT_PIECE):
        piece = bytes(payload[begin : begin + _SENT_PIECE])
        await send({"type": "http.response.body", "body": piece, "more_body": begin + len(piece) < len(payload)})


async def send_error(send: Send, error: ApiError) -> None:
    """Answer a call with ``error``."""
    await _send_headers(send, 200, _error_headers(error))


def _error_headers(error: ApiError) -> Headers:
    """The headers of an answer without a message (``Trailers-Only``)."""
    headers = [*_HEADERS, *grpc_trailers(error)]
    if error.code is Code.UNIMPLEMENTED:
        headers.append((b"grpc-accept-encoding", ACCEPTED_ENCODINGS))
    return headers


async def _send_headers(send: Send, status: int, headers: Headers) -> None:
    """Send an answer without a body."""
    try:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
    except (OSError, Disconnected):
        return  # the client has left
