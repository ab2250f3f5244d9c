"""A stream of nudges without a server: a source that is told what happens, and what was sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from tidegate.console.live import Nudges
from tidegate.core.names import QueueName
from tidegate.engine.ports.events import Events, QueueChanged


class Source:
    def __init__(self) -> None:
        self.listeners: list[Events] = []

    def add(self, listener: Events) -> None:
        self.listeners.append(listener)

    def remove(self, listener: Events) -> None:
        self.listeners.remove(listener)

    def tell(self, *queues: str) -> None:
        for queue in queues:
            for listener in self.listeners:
                listener.emit(QueueChanged(QueueName(queue), "paused"))


class Sent:
    """What the stream has sent."""

    def __init__(self) -> None:
        self.text = b""
        self._more = asyncio.Event()

    async def send(self, message: Any) -> None:
        self.text += message.get("body", b"")
        self._more.set()

    async def until(self, text: bytes) -> None:
        async with asyncio.timeout(60):
            while text not in self.text:
                self._more.clear()
                await self._more.wait()


@asynccontextmanager
async def stream_of(source: Source) -> AsyncIterator[tuple[Nudges, Sent]]:
    """A page that looks, until the block ends."""
    nudges, sent = Nudges(source, lambda: True), Sent()
    streaming = asyncio.ensure_future(nudges.stream(sent.send))
    try:
        await sent.until(b"event: hello\n")
        yield nudges, sent
    finally:
        streaming.cancel()
        with suppress(asyncio.CancelledError):
            await streaming
