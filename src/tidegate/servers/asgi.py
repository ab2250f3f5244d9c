"""The ASGI application: gRPC calls, health and the mounts, and its start, drain and stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from contextlib import suppress
from typing import Any, Final, TypeAlias
from urllib.parse import unquote_to_bytes

from tidegate.api.status import HTTP_STATUS, json_bytes, rest_error_body
from tidegate.core.errors import Internal, InvalidArgument, NotFound, Unavailable
from tidegate.servers import health
from tidegate.servers.call import AsgiApp, Disconnected, Receive, Scope, Send
from tidegate.servers.call_counts import CallCounts
from tidegate.servers.grpc import GrpcMethod, GrpcServer, send_error
from tidegate.servers.in_flight import InFlight
from tidegate.servers.mounts import Mount, Mounts
from tidegate.servers.respond import respond

Step: TypeAlias = Callable[[], Awaitable[None]]

LAST_ANSWERS: Final = 5.0
"""Seconds that calls in flight may take after the drain."""
LOOK_PAUSE: Final = 0.01
"""Seconds between two checks for calls in flight."""

BAD_PATH: Final = InvalidArgument("The path is not percent-encoded UTF-8.")
LEAVING: Final = Unavailable("The server is shutting down.")

log = logging.getLogger(__name__)


async def nothing() -> None:
    """A step that does nothing."""


async def not_found(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - the shape of ASGI
    """Answers everything with 404 in the REST error form."""
    await respond(scope["method"], send, 404, rest_error_body(NotFound("Requested entity was not found.")))


class App:
    """The application that the HTTP server runs.

    - ``start`` runs before the port is opened; an ``OperatorError`` from it ends the process with its line.
    - ``drain`` runs after SIGTERM or SIGINT, while calls are still answered (a task's handler may create the next
      task); meanwhile ``/readyz`` and the health service say that we are leaving.
    - ``stop`` runs last, when no call is in flight any more.

    ``start`` may call ``serve`` when it knows what there is to answer.
    """

    def __init__(
        self,
        methods: Mapping[str, GrpcMethod] | None = None,
        mounts: Iterable[Mount] = (),
        *,
        start: Step = nothing,
        drain: Step = nothing,
        stop: Step = nothing,
        in_flight: InFlight | None = None,
    ) -> None:
        self.bytes_in_flight = in_flight or InFlight()
        self.calls = CallCounts()
        self.serving = False
        self.store_away: Callable[[], str | None] = lambda: None
        """Why the store cannot be reached, which all calls need; None while it can."""
        self.patience = 0.0
        """Seconds that the drain may take, as a supervisor is told."""
        self.on_reload: Callable[[], None] = lambda: None
        """What SIGHUP asks for beside new certificates."""
        self.closing = asyncio.Event()
        """Set when calls are no longer answered: streams end then."""
        self._start, self._drain, self._stop = start, drain, stop
        self._in_flight = 0
        self._leaving = False
        self._closed = False
        self._cut = False
        self._guarded: AsgiApp = self._other
        self.serve(methods or {}, mounts)

    def serve(self, methods: Mapping[str, GrpcMethod], mounts: Iterable[Mount] = ()) -> None:
        """Answer these gRPC methods, the health service about their services, and what is mounted."""
        services = {path.split("/")[1] for path in methods}
        check = health.health_method(services, lambda: self.ready)
        self._grpc = GrpcServer({health.CHECK: check, **methods}, self.bytes_in_flight, self.calls)
        self._mounts = Mounts(
            [
                Mount("/healthz", self._say_alive, always=True),
                Mount("/readyz", self._say_ready, always=True),
                *mounts,
            ]
        )

    def before_drain(self, step: Step) -> None:
        """Run ``step`` when a signal has come, before the drain: calls are answered, and streams go on."""
        drain = self._drain

        async def both() -> None:
            await run_logging_errors(step)
            await drain()

        self._drain = both

    def guard(self, door: Callable[[AsgiApp], AsgiApp]) -> None:
        """Pass all requests that a browser can make through ``door``: everything but gRPC calls over HTTP/2."""
        self._guarded = door(self._other)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await _refuse_web_socket(scope, send)
            return
        method, path = scope["method"], scope["path"]
        is_call = path in self._grpc.methods
        self._in_flight += 1
        try:
            # A known path is a gRPC call, because nothing else has such a path. A web page cannot make one over HTTP/2:
            # its browser asks for permission before it sends a body of this type, which is not given, and a name that
            # an attacker points here (DNS rebinding) has no certificate. HTTP/1.1 needs no certificate, so there the
            # request passes the door.
            if is_call and not self._closed and scope.get("http_version") == "2":
                answering = self._grpc(scope, receive, send)
                del scope, receive  # so that the call can free them early
                await answering
            elif scope.get("http_version") == "2" and _is_call(scope):
                is_call = True
                await self._other(scope, receive, _raising_disconnected(send))
            else:
                await self._guarded(scope, receive, _raising_disconnected(send))
        except Disconnected:
            log.debug("%s: the client left before its answer", path, extra={"request": path})
        except asyncio.CancelledError:
            # The HTTP server cancels a call whose client has left. ``leave`` cancels those that outlast the drain.
            if not self._cut:
                raise
            with suppress(Exception):  # its answer may have begun
                await _say_leaving(method, send, call=is_call)
        except Exception:
            log.exception("%s %s failed", method, path, extra={"request": f"{method} {path}"})
            with suppress(Exception):  # its answer may have begun
                await respond(method, send, 500, rest_error_body(Internal("Internal error encountered.")))
        finally:
            self._in_flight -= 1

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Everything but a call of a known method."""
        if not is_utf8(scope["raw_path"]):
            await respond(scope["method"], send, 400, rest_error_body(BAD_PATH))
            return
        call = scope["path"] in self._grpc.methods or _is_call(scope)
        mount = self._mounts.find(scope, stream=call)
        if self._closed and not (mount is not None and mount.always):
            await _say_leaving(scope["method"], send, call=call)
        else:
            otherwise = self._grpc if call else not_found
            await (otherwise if mount is None else mount.app)(scope, receive, send)

    async def _say_alive(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - the shape of ASGI
        await respond(scope["method"], send, 200, json_bytes({"status": "alive"}))

    async def _say_ready(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - the shape of ASGI
        why = self.why_not_ready()
        if why is None:
            await respond(scope["method"], send, 200, json_bytes({"status": "serving"}))
        else:
            await respond(scope["method"], send, 503, json_bytes({"status": why[0], "reason": why[1]}))

    @property
    def ready(self) -> bool:
        """Whether calls are answered, and not by saying that nothing can be done."""
        return self.why_not_ready() is None

    def why_not_ready(self) -> tuple[str, str] | None:
        """In a word and in a sentence why calls are not answered, or only by saying that nothing can be done."""
        if self._closed:
            return "stopping", "the server has drained and is about to end: calls are refused"
        if self._leaving:
            return "draining", "the server is shutting down: no more attempts start, and those under way may end"
        if not self.serving:
            return "starting", "the store is being opened"
        away = self.store_away()
        return None if away is None else ("store away", away)

    async def start(self) -> None:
        """Make ready to answer. Raises OperatorError."""
        await self._start()
        self.serving = True

    def reload(self) -> None:
        """Read files of the settings anew that may be replaced while the server runs."""
        self.on_reload()

    async def leave(self) -> None:
        """Report that the server is not ready, drain, then refuse new calls and answer those in flight."""
        self.serving = False
        self._leaving = True
        await run_logging_errors(self._drain)
        self._closed = True
        self.closing.set()
        loop = asyncio.get_running_loop()
        patience = loop.time() + LAST_ANSWERS
        while self._in_flight and loop.time() < patience:  # noqa: ASYNC110 - an event would cost every call
            await asyncio.sleep(LOOK_PAUSE)
        self._cut = True
        for call in asyncio.all_tasks():
            if getattr(call.get_coro(), "cr_code", None) is App.__call__.__code__:
                call.cancel()
        await asyncio.sleep(LOOK_PAUSE)

    async def stop(self) -> None:
        """Release what ``start`` acquired."""
        await run_logging_errors(self._stop)


async def _say_leaving(method: str, send: Send, *, call: bool) -> None:
    """Refuse a request with UNAVAILABLE, as gRPC or REST."""
    if call:
        await send_error(send, LEAVING)
    else:
        await respond(method, send, HTTP_STATUS[LEAVING.code], rest_error_body(LEAVING))


def is_utf8(raw_path: bytes) -> bool:
    """Whether a path is valid UTF-8 once its escapes are decoded."""
    if b"%" not in raw_path and raw_path.isascii():
        return True
    try:
        unquote_to_bytes(raw_path).decode()
    except UnicodeDecodeError:
        return False
    return True


async def _refuse_web_socket(scope: Scope, send: Send) -> None:
    """Refuse a WebSocket with 403. Any other scope that is not HTTP is ignored."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close"})


def _is_call(scope: Scope) -> bool:
    """Whether the content type is one of gRPC's."""
    return any(name == b"content-type" and value.startswith(b"application/grpc") for name, value in scope["headers"])


def _raising_disconnected(send: Send) -> Send:
    """``send`` that raises Disconnected instead of OSError when the client has left."""

    async def raising(message: MutableMapping[str, Any]) -> None:
        try:
            await send(message)
        except OSError as error:
            raise Disconnected from error

    return raising


async def run_logging_errors(step: Step) -> None:
    """Run a step of the shutdown. An error is logged, so that the next steps still run."""
    try:
        await step()
    except Exception:
        log.exception("shutting down: a step failed")
