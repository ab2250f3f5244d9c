"""Long work in pieces: the event loop, and the interpreter, are others' in between."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from time import perf_counter
from typing import Any, Final, TypeVar

T = TypeVar("T")

WORK: Final = 0.002
"""Seconds of work after which others get their turn."""
PAUSE: Final = 0.001
"""Seconds that they get. It is no ``sleep(0)``: the threads of the store need the interpreter too, and a loop that
never waits hands it over only every five milliseconds, once for each statement."""


class Pace:
    """Counts how long its owner has been at work; ``await pace.step()`` after each item makes way when it is time."""

    def __init__(self) -> None:
        self._since = perf_counter()

    @property
    def due(self) -> bool:
        """Whether it is time to make way."""
        return perf_counter() - self._since > WORK

    async def step(self) -> None:
        if self.due:
            await asyncio.sleep(PAUSE)
            self._since = perf_counter()


async def paced(steps: Generator[Any, None, T]) -> T:
    """What a generator returns, run with pauses after those of its steps where it is time for one."""
    pace = Pace()
    while True:
        try:
            next(steps)
        except StopIteration as end:
            value: T = end.value
            return value
        await pace.step()
