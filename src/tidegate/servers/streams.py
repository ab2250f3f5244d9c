"""Answers that go on: responses to one client, one after the other, for as long as both sides want.

A stream ends when its responses do, when the client leaves, and when the server stops answering calls.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Final, TypeAlias

from tidegate.core.errors import ResourceExhausted, Unavailable
from tidegate.servers.call import Disconnected, Receive

HEARTBEAT: Final = 15.0
"""Seconds without a response after which something is sent all the same: so a client that has left is noticed, and
proxies keep the connection."""

STUCK: Final = 45.0
"""Seconds beyond a heartbeat's that a client may take for what was sent to it. Then it counts as gone."""

STREAMS_MAX: Final = 1000
"""Streams at one time. Each takes some 30 KiB; clients that may be many should ask now and then instead."""

Write: TypeAlias = Callable[[Any], Awaitable[None]]
Beat: TypeAlias = Callable[[], Awaitable[None]]


class Streams:
    """The streams of a server. ``closing`` is set when it stops answering calls."""

    def __init__(self, closing: asyncio.Event, most: int = STREAMS_MAX) -> None:
        self._closing = closing
        self._most = most
        self._open = 0

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """Count a stream while the block lasts. Raises ResourceExhausted when there are too many."""
        if self._open >= self._most:
            raise ResourceExhausted(f"The server has {self._open} streams open, which is the most it takes.")
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    async def relay(self, responses: AsyncIterator[Any], write: Write, beat: Beat, receive: Receive) -> None:
        """Write each response as it comes, and ``beat`` when none came for a while, until there are no more.

        Raises:
            Unavailable: The server is shutting down.
            Disconnected: The client has left, or does not read and the server is shutting down.
            Exception: whatever ``responses`` raise.
        """
        await _Relay(responses, write, beat).run(receive, self._closing)


class _Relay:
    """One stream. Its parts run beside each other: one writes what comes, and one waits for each reason to end."""

    def __init__(self, responses: AsyncIterator[Any], write: Write, beat: Beat) -> None:
        self._responses = responses
        self._write = write
        self._beat = beat
        self._turn = asyncio.Lock()  # a slow reader holds up either, and nothing may be written in between
        self._time = asyncio.get_running_loop().time
        self._wrote_at = self._time()

    async def run(self, receive: Receive, closing: asyncio.Event) -> None:
        tasks = [
            asyncio.ensure_future(part)
            for part in (self._pump(), self._keep_alive(), _departure(receive), _closed(closing))
        ]
        pump, _, _, closed = tasks
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if closed in done and pump not in done and self._turn.locked():
                raise Disconnected  # it does not read, so it would not read why the stream ends
            for task in (pump, *(done - {pump})):
                if task in done:
                    task.result()
                    return
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _pump(self) -> None:
        async for response in self._responses:
            async with self._turn:
                await self._write(response)
            self._wrote_at = self._time()

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(self._wrote_at + HEARTBEAT - self._time())
            if self._time() >= self._wrote_at + HEARTBEAT:
                try:
                    async with asyncio.timeout(STUCK), self._turn:
                        await self._beat()
                except TimeoutError:
                    raise Disconnected from None
                self._wrote_at = self._time()


async def _departure(receive: Receive) -> None:
    """Raise Disconnected when the client has left. Some HTTP servers answer at once that it has not."""
    while (await receive())["type"] != "http.disconnect":  # noqa: ASYNC110 - there is no event to wait for
        await asyncio.sleep(HEARTBEAT)
    raise Disconnected


async def _closed(closing: asyncio.Event) -> None:
    await closing.wait()
    raise Unavailable("The server is shutting down.")
