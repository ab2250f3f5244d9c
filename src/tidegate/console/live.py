"""Tells open pages that something changed, so that they ask for what they show again.

A page holds one stream (``text/event-stream``). It brings no data, only the names of queues in which something
happened; a page that reads slowly misses nothing, because names gather until it takes them. While nobody looks, nobody
listens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from tidegate.console.answer import NOT_KEPT, SAFE
from tidegate.engine.ports.events import (
    AttemptEnded,
    AttemptStarted,
    Event,
    Events,
    QueueChanged,
    QueueDeleted,
    TasksCreated,
    TasksDeleted,
)
from tidegate.servers.call import Send

STREAMS_MAX: Final = 200
"""Streams at one time; further pages ask every 5 seconds instead."""
NUDGE_PAUSE: Final = 0.25
"""Seconds in which changes gather until pages are told: four messages a second at most."""
BEAT: Final = 5.0
"""Seconds after which a stream says something anyway: pages keep their times fresh, and proxies keep the stream."""
NAMES_MAX: Final = 50
"""Queues named in one message; of more it says that all have changed."""
EVERYTHING: Final = "*"


class Source(Protocol):
    """Where events come from, as long as somebody listens."""

    def add(self, listener: Events) -> None: ...

    def remove(self, listener: Events) -> None: ...


def _nothing() -> None:
    pass


class _Stream:
    """One page: the queues that changed since it was told last."""

    __slots__ = ("bell", "changed")

    def __init__(self) -> None:
        self.changed: set[str] = set()
        self.bell = asyncio.Event()


class Nudges:
    """``ports.Events``, attached to ``source`` while pages look. ``serving`` says whether the server goes on."""

    def __init__(self, source: Source, serving: Callable[[], bool]) -> None:
        self._source = source
        self._serving = serving
        self._streams: set[_Stream] = set()
        self._changed: set[str] = set()
        self._telling: asyncio.TimerHandle | None = None
        self.before_telling: Callable[[], None] = _nothing
        """Called before pages are told, so that they do not get what was kept from before."""

    @property
    def streams(self) -> int:
        """Pages that look just now."""
        return len(self._streams)

    def emit(self, event: Event) -> None:
        match event:
            case TasksCreated() | TasksDeleted() | AttemptStarted() | AttemptEnded():
                self._changed.add(event.queue.name)
            case QueueChanged() | QueueDeleted():
                self._changed.add(event.queue)
            case _:
                self._changed.add(EVERYTHING)
        if self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(NUDGE_PAUSE, self._tell)

    def _tell(self) -> None:
        """Pass on what changed to every page."""
        self._telling = None
        changed, self._changed = self._changed, set()
        self.before_telling()
        for stream in self._streams:
            stream.changed |= changed
            stream.bell.set()

    async def stream(self, send: Send, *, names: bool = True) -> None:
        """Send messages until the client leaves or the server does. Without ``names`` they do not say which queue."""
        if len(self._streams) >= STREAMS_MAX:
            await send({"type": "http.response.start", "status": 503, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
            return
        headers = [(b"content-type", b"text/event-stream"), (b"x-accel-buffering", b"no"), NOT_KEPT, *SAFE]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        stream = _Stream()
        self._join(stream)
        try:
            await _say(send, "retry: 2000\nevent: hello\ndata:\n\n")
            while self._serving():
                with suppress(TimeoutError):
                    async with asyncio.timeout(BEAT):
                        await stream.bell.wait()
                stream.bell.clear()
                changed, stream.changed = stream.changed, set()
                if not self._serving():
                    break
                await _say(send, _message(changed if names else {EVERYTHING} if changed else set()))
            await _say(send, "event: leaving\ndata:\n\n", more=False)
        finally:
            self._leave(stream)

    def end(self) -> None:
        """Wake all streams, so that they see that the server leaves."""
        for stream in self._streams:
            stream.bell.set()

    def _join(self, stream: _Stream) -> None:
        if not self._streams:
            self._source.add(self)
        self._streams.add(stream)

    def _leave(self, stream: _Stream) -> None:
        self._streams.discard(stream)
        if not self._streams:
            self._source.remove(self)
            self._changed.clear()
            if self._telling is not None:
                self._telling.cancel()
                self._telling = None


def _message(names: set[str]) -> str:
    if not names:
        return "event: beat\ndata:\n\n"
    text = EVERYTHING if len(names) > NAMES_MAX or EVERYTHING in names else " ".join(sorted(names))
    return f"event: changed\ndata: {text}\n\n"


async def _say(send: Send, text: str, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": more})
