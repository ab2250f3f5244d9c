"""One ASGI application: gRPC, health, and whatever else is mounted behind them; start, drain and stop."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Mapping, MutableMapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, Final, NoReturn, TypeAlias

from tidegate.api.status import HTTP_STATUS, json_bytes, rest_error_body
from tidegate.core.errors import Internal, NotFound, Unavailable
from tidegate.servers import health, signals
from tidegate.servers.address import Address, PortTaken, announce, reserve
from tidegate.servers.framing import Disconnected, Receive
from tidegate.servers.grpc import GrpcServer, Method, Scope, Send, send_error
from tidegate.servers.in_flight import InFlight
from tidegate.servers.respond import respond

AsgiApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Step: TypeAlias = Callable[[], Awaitable[None]]

LAST_ANSWERS: Final = 5.0
"""Seconds that calls in flight may still take after everything has drained."""
LINGER: Final = 0.1
"""Seconds between the last answer given to the front and the end of the front: it writes from another thread."""

SAME_WISH: Final = 1.0
"""Seconds within which further signals mean the same as the first: ``timeout`` and many wrappers send two at once."""

LEAVING: Final = Unavailable("The server is shutting down.")

log = logging.getLogger(__name__)


class StartupError(Exception):
    """The server cannot start. ``message`` is one line that tells the operator the cause and the cure."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


async def nothing() -> None:
    """A step that does nothing."""


async def not_found(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - the shape of ASGI
    """Answers everything with 404 in the REST error form."""
    await respond(scope["method"], send, 404, rest_error_body(NotFound("Requested entity was not found.")))


class App:
    """The application that the front runs.

    - ``start`` runs before the port is opened; a ``StartupError`` from it ends the process with that one line.
    - ``drain`` runs after SIGTERM or SIGINT, while calls are still answered (a task's handler may create the next
      task); meanwhile ``/readyz`` and the health service say that we are leaving.
    - ``stop`` runs last, when no call is in flight any more.

    What is not gRPC goes to ``fallback``. ``start`` may set ``fallback`` and call ``serve`` when it knows them.
    """

    def __init__(
        self,
        methods: Mapping[str, Method] | None = None,
        *,
        start: Step = nothing,
        drain: Step = nothing,
        stop: Step = nothing,
        fallback: AsgiApp = not_found,
        in_flight: InFlight | None = None,
    ) -> None:
        self.fallback = fallback
        self.bytes_in_flight = in_flight or InFlight()
        self.serving = False
        self._start, self._drain, self._stop = start, drain, stop
        self._in_flight = 0
        self._closed = False
        self._caught: asyncio.Future[Any] | None = None
        self._background: set[asyncio.Task[None]] = set()
        self.serve(methods or {})

    def serve(self, methods: Mapping[str, Method], streams: Mapping[str, AsgiApp] = MappingProxyType({})) -> None:
        """Answer these gRPC methods, and the health service about their services. ``streams``, by path as well, take
        calls with more than one message.
        """
        services = {path.split("/")[1] for path in methods}
        check = health.health_method(services, lambda: self.serving)
        self._grpc = GrpcServer({health.CHECK: check, **methods}, self.bytes_in_flight)
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        method, path = scope["method"], scope["path"]
        self._in_flight += 1
        try:
            # A known path is a call by itself: nothing else of ours is named like one.
            if path in self._grpc.methods and not self._closed:
                answering = self._grpc(scope, receive, send)
                del scope, receive  # the call lets go of them as soon as it can
                await answering
            else:
                await self._other(scope, receive, _telling(send))
        except Disconnected:
            log.debug("%s: the client left before its answer", path)
        except Exception:
            log.exception("%s %s failed", method, path)
            with suppress(Exception):  # its answer may have begun
                await respond(method, send, 500, rest_error_body(Internal("Internal error encountered.")))
        finally:
            self._in_flight -= 1

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Everything but a call of a known method."""
        if scope["path"] == "/healthz":
            await respond(scope["method"], send, 200, json_bytes({"status": "alive"}))
        elif scope["path"] == "/readyz":
            ready = {"status": "serving"} if self.serving else {"status": "draining"}
            await respond(scope["method"], send, 200 if self.serving else 503, json_bytes(ready))
        elif _content_type(scope).startswith(b"application/grpc"):
            answer = self._streams.get(scope["path"], self._grpc)
            await (send_error(send, LEAVING) if self._closed else answer(scope, receive, send))
        elif self._closed:
            await respond(scope["method"], send, HTTP_STATUS[LEAVING.code], rest_error_body(LEAVING))
        else:
            await self.fallback(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()  # lifespan.startup
        try:
            await self._begin()
        except StartupError as error:
            await _fail(error.message, send)
            return
        except Exception:
            await _fail(traceback.format_exc().rstrip(), send)
            return
        self.serving = True
        await send({"type": "lifespan.startup.complete"})
        if (address := Address.from_environment()) is not None:
            _tune_collector()
            asyncio.get_running_loop().set_exception_handler(tell_of_a_callback)
            self._in_background(announce(address))
        if self._caught is not None:
            self._in_background(self._leave_on_signal(self._caught))
        await receive()  # lifespan.shutdown
        if not self._closed:  # under another server than our front nobody caught a signal
            await self._leave()
        await _surely(self._stop)
        for task in self._background:
            task.cancel()
        await send({"type": "lifespan.shutdown.complete"})

    async def _begin(self) -> None:
        starting = asyncio.ensure_future(self._start())
        if signals.held():
            caught = asyncio.ensure_future(signals.caught())
            await asyncio.wait({starting, caught}, return_when=asyncio.FIRST_COMPLETED)
            if caught.done() and not starting.done():  # Ctrl-C while, say, the database does not answer
                starting.cancel()
                await asyncio.wait({starting})
                await _surely(self._stop)
                _exit(0)
            self._caught = caught
        await starting
        if (address := Address.from_environment()) is not None:
            try:
                # Whoever took the port while we started is found here, where it is one line, not in Envoy.
                reserve(address)[1].close()
            except PortTaken as taken:
                await _surely(self._stop)
                raise StartupError(str(taken)) from None

    async def _leave_on_signal(self, caught: asyncio.Future[Any]) -> None:
        await caught
        self._in_background(_end_at_once_on_signal())
        await self._leave()
        signals.release()

    async def _leave(self) -> None:
        """Stop being ready, drain, answer what is in flight; new calls are UNAVAILABLE from then on."""
        self.serving = False
        await _surely(self._drain)
        self._closed = True
        loop = asyncio.get_running_loop()
        patience = loop.time() + LAST_ANSWERS
        while self._in_flight and loop.time() < patience:  # noqa: ASYNC110 - an event would cost every call
            await asyncio.sleep(LINGER / 10)
        await asyncio.sleep(LINGER)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def _content_type(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == b"content-type":
            return bytes(value)
    return b""


def _telling(send: Send) -> Send:
    """``send`` that raises Disconnected when the client has left, so that no other OSError passes for it."""

    async def telling(message: MutableMapping[str, Any]) -> None:
        try:
            await send(message)
        except OSError as error:
            raise Disconnected from error

    return telling


def _tune_collector() -> None:
    """Leave what lives as long as the process out of garbage collections, and collect less often: messages, tasks and
    rows are freed by their reference counts. Measured: 3 to 5 % more calls a second, 7 % of the time of a dispatch.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def tell_of_a_callback(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Let the loop tell what went wrong in it, as ever; not that nobody waits for a body any more.

    A deadline cancels the receive in which its call waits. pyvoy does not look whether it was, and tells it later what
    came or that the call is over. To shield every receive would cost every call.
    """
    given_up = isinstance(context.get("exception"), asyncio.InvalidStateError)
    if not (given_up and "RecvFutureExecutor" in context["message"]):
        loop.default_exception_handler(context)


async def _surely(step: Step) -> None:
    """Run a step of the shutdown; its failure is told and does not stop the others."""
    try:
        await step()
    except Exception:
        log.exception("shutting down: a step failed")


async def _fail(text: str, send: Send) -> None:
    """End the process with ``text`` on stderr; under a server that is not our front, tell it instead."""
    if Address.from_environment() is None:
        await send({"type": "lifespan.startup.failed", "message": text})
        return
    # Nothing listens yet and nothing is in flight. Leaving through Envoy would add its own lines to ours.
    _exit(1, text)


def _exit(code: int, last_words: str = "") -> NoReturn:
    """End here and now, with a line on stderr; whether anyone still reads it or not."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    with suppress(OSError, ValueError):
        sys.stderr.write(f"{last_words}\n" if last_words else "")
        sys.stderr.flush()
    os._exit(code)


async def _end_at_once_on_signal() -> None:
    """A second signal ends the process as it is. Nothing acknowledged is lost: it is on disk."""
    first = asyncio.get_running_loop().time()
    number = await signals.caught()
    while asyncio.get_running_loop().time() - first < SAME_WISH:
        number = await signals.caught()
    _exit(128 + number, "stopped at once, without draining")
