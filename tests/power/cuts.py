"""Moments at which the power may go, and stores that are closed whatever becomes of the test."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Generic, TypeVar

from tidegate.engine.ports.store import StoreError
from tidegate.storage.sqlite import SqliteStore

T = TypeVar("T")


class Cuts(Generic[T]):
    """What would be found after ``most`` of the moments of a run, each of which is as likely to be among them.

    The others are not kept: all the files as of every write are more than a test process should hold.
    """

    def __init__(self, dice: random.Random, most: int) -> None:
        self.chosen: list[T] = []
        self._dice = dice
        self._most = most
        self._moments = 0

    def moment(self, find: Callable[[], T]) -> None:
        """One more moment; ``find`` is asked only if it is chosen, perhaps in place of an earlier one."""
        self._moments += 1
        if len(self.chosen) < self._most:
            self.chosen.append(find())
        elif (place := self._dice.randrange(self._moments)) < self._most:
            self.chosen[place] = find()


@asynccontextmanager
async def opened(
    path: Path, on_broken: Callable[[StoreError], None] | None = None, *, vfs: str | None = None
) -> AsyncIterator[SqliteStore]:
    """A store with its threads and files, which are closed at the end."""
    store = await SqliteStore.open(path, on_broken, vfs=vfs)
    try:
        yield store
    finally:
        await store.close()
