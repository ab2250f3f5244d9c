"""Long work in pieces, with pauses in which the event loop and other threads run."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from time import perf_counter
from typing import Any, Final, TypeVar

T = TypeVar("T")

WORK: Final = 0.002
"""Seconds of work after which there is a pause."""
PAUSE: Final = 0.001
"""Seconds of a pause. ``sleep(0)`` is not enough: the store's threads need the interpreter lock, which a loop that
never waits releases only every five milliseconds, once for each statement."""


class Pace:
    """Measures how long its owner has worked. ``await pace.step()`` after each item pauses when it is time."""

    def __init__(self) -> None:
        self._since = perf_counter()

    @property
    def due(self) -> bool:
        """Whether it is time for a pause."""
        return perf_counter() - self._since > WORK

    async def step(self) -> None:
        if self.due:
            await asyncio.sleep(PAUSE)
            self._since = perf_counter()


async def paced(steps: Generator[Any, None, T]) -> T:
    """The return value of a generator, which is run with pauses between its steps when it is time for one."""
    pace = Pace()
    while True:
        try:
            next(steps)
        except StopIteration as end:
            value: T = end.value
            return value
        await pace.step()
