"""Helpers for tests, under paths that users of emulators know. Nothing that a server in production should answer.

- ``POST /emulator:reset``: back to how the server started. 204.
- ``GET /emulator/projects/P/locations/L/queues/Q:waitIdle``: 204 once no task is left in the queue.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

from tidegate.api.status import HTTP_STATUS, rest_error_body
from tidegate.core.errors import Aborted, ApiError, Unavailable
from tidegate.core.names import QUEUE, QueueName
from tidegate.core.queue import State
from tidegate.engine.lookup import found
from tidegate.engine.ports.events import Event
from tidegate.engine.ports.store import Reader, Store
from tidegate.servers.asgi import AsgiApp
from tidegate.servers.framing import Disconnected, Receive
from tidegate.servers.grpc import Scope, Send
from tidegate.servers.respond import respond
from tidegate.servers.rest.body import drop_body

RESET: Final = "/emulator:reset"
PREFIX: Final = "/emulator/"
WAIT_IDLE: Final = ":waitIdle"

SOON: Final = 0.01
"""Seconds between two looks at a queue in which something happens: one look for many events."""
LATE: Final = 1.0
"""Seconds between two looks at a queue in which nothing happens: whoever waits may have left, and so may we."""


class Bells:
    """``ports.Events``: wakes all who wait for something to happen."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()

    def emit(self, event: Event) -> None:  # noqa: ARG002 - the port's name
        self.ring()

    def ring(self) -> None:
        for bell in self._waiting:
            bell.set()

    @contextlib.contextmanager
    def one(self) -> Iterator[asyncio.Event]:
        """A bell that rings at every event."""
        bell = asyncio.Event()
        self._waiting.add(bell)
        try:
            yield bell
        finally:
            self._waiting.discard(bell)


class DevHelpers:
    """An ASGI application for the helpers, with ``others`` behind it.

    ``reset`` brings the server back to its start, ``serving`` says whether it is not yet shutting down.
    """

    def __init__(
        self,
        store: Store,
        bells: Bells,
        reset: Callable[[], Awaitable[None]],
        serving: Callable[[], bool],
        others: AsgiApp,
    ) -> None:
        self._store = store
        self._bells = bells
        self._reset = reset
        self._serving = serving
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        verb, path = scope["method"], scope["path"]
        try:
            if (verb, path) == ("POST", RESET):
                await drop_body(receive)
                await self._reset()
                self._bells.ring()
            elif verb == "GET" and path.startswith(PREFIX) and path.endswith(WAIT_IDLE):
                name = path.removeprefix(PREFIX).removesuffix(WAIT_IDLE)
                await drop_body(receive)
                await self._wait_idle(QUEUE.parse(name) or QueueName(name), receive)
            else:
                await self._others(scope, receive, send)
                return
        except ApiError as error:
            await respond(verb, send, HTTP_STATUS[error.code], rest_error_body(error))
        else:
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    async def _wait_idle(self, queue: QueueName, receive: Receive) -> None:
        """Return once the queue has no task.

        Raises NotFound, Aborted when it does not dispatch, Unavailable at the end of the server, Disconnected.
        """
        pause = SOON
        with self._bells.one() as bell, Departure(receive) as departure:
            while await self._busy(queue):
                if not self._serving():
                    raise Unavailable("The server is shutting down.")
                await departure.check()
                await asyncio.sleep(SOON)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(bell.wait(), pause)
                pause = SOON if bell.is_set() else min(2 * pause, LATE)
                bell.clear()

    async def _busy(self, name: QueueName) -> bool:
        def look(reader: Reader) -> bool:
            stored = found(reader.queue(name))
            busy = reader.has_tasks(stored)
            if busy and stored.queue.state is not State.RUNNING:
                raise Aborted(f"The queue is {stored.queue.state.name} and will keep the tasks that are in it.")
            return busy

        return await self._store.read(look)


class Departure:
    """Whether the client is still there. Some servers answer that at once, others only when it has gone."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._asking: asyncio.Task[Any] | None = None

    async def check(self) -> None:
        """Raise Disconnected when it is known to be gone."""
        if self._asking is None:
            self._asking = asyncio.ensure_future(self._receive())
            await asyncio.sleep(0)
        if self._asking.done():
            event = self._asking.result()
            self._asking = None
            if event["type"] == "http.disconnect":
                raise Disconnected

    def __enter__(self) -> Departure:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._asking is not None:
            self._asking.cancel()
