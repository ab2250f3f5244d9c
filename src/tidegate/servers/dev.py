"""Helpers for tests, at paths known from emulators. They are not for servers in production.

- ``POST /emulator:reset``: bring the server back to its state after the start. 204.
- ``GET /emulator/projects/P/locations/L/queues/Q:waitIdle``: 204 once no task is left in the queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from tidegate.api.status import HTTP_STATUS, rest_error_body
from tidegate.core.errors import ApiError, NotFound, Unavailable
from tidegate.core.names import QUEUE, QueueName
from tidegate.observers.idle import IdleWaits
from tidegate.servers.call import Disconnected, Receive, Scope, Send
from tidegate.servers.mounts import Mount
from tidegate.servers.respond import respond
from tidegate.servers.rest.body import drop_body

RESET: Final = "/emulator:reset"
PREFIX: Final = "/emulator/"
WAIT_IDLE: Final = ":waitIdle"


class DevHelpers:
    """The helpers.

    ``reset`` brings the server back to its start, ``serving`` says whether it is not yet shutting down.
    """

    def __init__(self, idle: IdleWaits, reset: Callable[[], Awaitable[None]], serving: Callable[[], bool]) -> None:
        self._idle = idle
        self._reset = reset
        self._serving = serving

    def mounts(self) -> list[Mount]:
        """The helpers with their paths."""
        return [Mount(RESET, self._answer_reset, {"POST"}), Mount(PREFIX, self._answer_wait, {"GET"}, below=True)]

    async def _answer_reset(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _answer(scope, receive, send, self._reset)

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
        with Departure(receive) as departure:

            async def check() -> None:
                if not self._serving():
                    raise Unavailable("The server is shutting down.")
                await departure.check()

            await self._idle.wait(queue, check=check)


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
