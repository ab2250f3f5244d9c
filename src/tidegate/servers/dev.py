"""Helpers for tests, at paths known from emulators. They are not for servers in production.

- ``POST /emulator:reset``: bring the server back to its state after the start. 204.
- ``GET /emulator/projects/P/locations/L/queues/Q:waitIdle``: 204 once no task is left in the queue.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

from tidegate.api.status import HTTP_STATUS, rest_error_body
from tidegate.core.errors import ApiError, NotFound, Unavailable
from tidegate.core.names import QUEUE, QueueName
from tidegate.engine.ports.events import Event
from tidegate.engine.queues import Queues
from tidegate.servers.call import Disconnected, Receive, Scope, Send
from tidegate.servers.mounts import Mount
from tidegate.servers.respond import respond
from tidegate.servers.rest.body import drop_body

RESET: Final = "/emulator:reset"
PREFIX: Final = "/emulator/"
WAIT_IDLE: Final = ":waitIdle"

SOON: Final = 0.01
"""Seconds between two checks of a queue after an event: one check for many events."""
LATE: Final = 1.0
"""Seconds between two checks of a queue without events: the client may have left, or the server may be stopping."""


class Bells:
    """``ports.Events``: wakes everyone who waits for an event."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()

    def emit(self, event: Event) -> None:  # noqa: ARG002 - the port's name
        self.ring()

    def ring(self) -> None:
        for bell in self._waiting:
            bell.set()

    @contextlib.contextmanager
    def one(self) -> Iterator[asyncio.Event]:
        """An event that is set at every engine event, while the block lasts."""
        bell = asyncio.Event()
        self._waiting.add(bell)
        try:
            yield bell
        finally:
            self._waiting.discard(bell)


class DevHelpers:
    """The helpers over an engine's queues.

    ``reset`` brings the server back to its start, ``serving`` says whether it is not yet shutting down.
    """

    def __init__(
        self, queues: Queues, bells: Bells, reset: Callable[[], Awaitable[None]], serving: Callable[[], bool]
    ) -> None:
        self._queues = queues
        self._bells = bells
        self._reset = reset
        self._serving = serving

    def mounts(self) -> list[Mount]:
        """The helpers with their paths."""
        return [Mount(RESET, self._answer_reset, {"POST"}), Mount(PREFIX, self._answer_wait, {"GET"}, below=True)]

    async def _answer_reset(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def reset() -> None:
            await self._reset()
            self._bells.ring()

        await _answer(scope, receive, send, reset)

    async def _answer_wait(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]

        async def wait() -> None:
            if not path.endswith(WAIT_IDLE):
                raise NotFound(f"There is no GET {path} here.")
            name = path.removeprefix(PREFIX).removesuffix(WAIT_IDLE)
            await self._wait_idle(QUEUE.parse(name) or QueueName(name), receive)

        await _answer(scope, receive, send, wait)

    async def _wait_idle(self, queue: QueueName, receive: Receive) -> None:
        """Return once the queue has no task.

        Raises NotFound, Aborted when it does not dispatch, Unavailable at the end of the server, Disconnected.
        """
        pause = SOON
        with self._bells.one() as bell, Departure(receive) as departure:
            while await self._queues.is_busy(queue):
                if not self._serving():
                    raise Unavailable("The server is shutting down.")
                await departure.check()
                await asyncio.sleep(SOON)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(bell.wait(), pause)
                pause = SOON if bell.is_set() else min(2 * pause, LATE)
                bell.clear()


async def _answer(scope: Scope, receive: Receive, send: Send, work: Callable[[], Awaitable[None]]) -> None:
    """Do ``work``, which reads no body, and answer 204."""
    await drop_body(receive)
    try:
        await work()
    except ApiError as error:
        await respond(scope["method"], send, HTTP_STATUS[error.code], rest_error_body(error))
    else:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


class Departure:
    """Tells whether the client is still connected. Some HTTP servers answer this at once, others only when it
    has left.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._asking: asyncio.Task[Any] | None = None

    async def check(self) -> None:
        """Raise Disconnected when the client is known to have left."""
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
