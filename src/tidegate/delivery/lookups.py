"""Which name is looked up next, so that slow names of one queue do not delay the names of others.

A lookup occupies a thread, for some ten seconds when the name server does not answer. The number of threads is bounded,
so they are divided between the queues.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final

Addresses = tuple[str, ...]

AT_ONCE: Final = 128
"""Lookups under way at most."""

SHARE: Final = 8
"""Lookups of one queue under way at most."""

KEPT_FREE: Final = 32
"""Places reserved for queues that hold none, so that a queue's first lookup does not wait."""


class _Lookup:
    """A name to be looked up. ``waiting`` counts the waiting tasks by their queue."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.waiting: Counter[str] = Counter()
        self.answer: asyncio.Future[Addresses] = asyncio.get_running_loop().create_future()
        self.running: asyncio.Task[None] | None = None


class Lookups:
    """Runs ``look_up`` once for all who ask for the same name at the same time.

    A free place goes to the queue that holds the fewest; of several, to the one that has waited longest. A lookup that
    nobody waits for is dropped before it begins. After that it runs on: a thread cannot be stopped.
    """

    def __init__(self, look_up: Callable[[str], Awaitable[Addresses]]) -> None:
        self._look_up = look_up
        self._closed: Exception | None = None
        self._asked: dict[str, _Lookup] = {}
        self._held: Counter[str] = Counter()  # places, by queue
        self._in_use = 0
        self._lines: dict[str, dict[str, _Lookup]] = {}  # by queue: its names that have not begun, the oldest first
        self._next: list[dict[str, None]] = [{} for _ in range(SHARE)]  # by places held: queues that wait for one more

    async def ask(self, name: str, queue: str) -> Addresses:
        """The result or error of ``look_up`` for the name, which an attempt of ``queue`` needs."""
        if self._closed is not None:
            raise self._closed
        lookup = self._asked.get(name)
        if lookup is None:
            lookup = self._asked[name] = _Lookup(name)
        lookup.waiting[queue] += 1
        if lookup.running is None:
            self._lines.setdefault(queue, {})[name] = lookup
            self._line_up(queue)
            self._begin()
        try:
            return await asyncio.shield(lookup.answer)
        finally:
            self._leave(lookup, queue)

    def close(self, error: Exception) -> None:
        """Give up all lookups. Waiting and later calls get this error."""
        self._closed = error
        for lookup in self._asked.values():
            if lookup.running is not None:
                lookup.running.cancel()
            _fail(lookup.answer, error)

    def _leave(self, lookup: _Lookup, queue: str) -> None:
        lookup.waiting[queue] -= 1
        if lookup.waiting[queue]:
            return
        del lookup.waiting[queue]
        if lookup.running is None:
            self._unlist(lookup, queue)
            if not lookup.waiting:
                del self._asked[lookup.name]

    def _begin(self) -> None:
        """Begin lookups while there are free places."""
        while self._closed is None and (queue := self._whose_turn()) is not None:
            lookup = next(iter(self._lines[queue].values()))
            self._held[queue] += 1
            self._in_use += 1
            lookup.running = asyncio.create_task(self._run(lookup, queue))
            for each in lookup.waiting:
                self._unlist(lookup, each)

    def _whose_turn(self) -> str | None:
        free = AT_ONCE - self._in_use
        for held, queues in enumerate(self._next):
            if free <= (KEPT_FREE if held else 0):
                return None
            if queues:
                return next(iter(queues))
        return None

    async def _run(self, lookup: _Lookup, queue: str) -> None:
        try:
            found = await self._look_up(lookup.name)
        except Exception as error:
            _fail(lookup.answer, error)
        else:
            if not lookup.answer.done():
                lookup.answer.set_result(found)
        finally:
            del self._asked[lookup.name]
            self._in_use -= 1
            self._held[queue] -= 1
            if not self._held[queue]:
                del self._held[queue]
            self._line_up(queue)
            self._begin()

    def _unlist(self, lookup: _Lookup, queue: str) -> None:
        line = self._lines[queue]
        del line[lookup.name]
        if not line:
            del self._lines[queue]
        self._line_up(queue)

    def _line_up(self, queue: str) -> None:
        """Put the queue into the line for the places it holds. A queue that is already there keeps its turn."""
        held = self._held.get(queue, 0)
        wants = queue in self._lines
        for places, queues in enumerate(self._next):
            if wants and places == held:
                queues[queue] = None
            else:
                queues.pop(queue, None)


def _fail(answer: asyncio.Future[Addresses], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
        answer.exception()  # mark it as retrieved, in case nobody waits
