"""A store with a disk's manners, in virtual time: commits take a while, and a crash keeps only what was committed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any, TypeVar

from tidegate.engine.ports.store import Reader, StoreError, StoreFullError, Transaction
from tidegate.engine.promise import Promise
from tidegate.storage.sqlite import MemoryStore

T = TypeVar("T")

_Job = tuple[Callable[[Transaction], Any], Promise]


class Trouble:
    """The faults that the disk has now; the injector changes them."""

    def __init__(self) -> None:
        self.slow = 0.0
        """Seconds that a sync takes at most, beyond the usual milliseconds."""
        self.failing = False
        """Nothing can be committed."""
        self.full = False
        """There is no room for anything new."""


class SyncedStore:
    """``ports.Store`` for one life of the server, over a memory that outlives it.

    Whatever arrived while the last commit was under way goes into the next one, as in the real store. A commit is
    certain somewhere between its begin and its answer: a crash may come before, and all of it is lost, or after, and
    all of it is there although nobody was told.
    """

    def __init__(self, memory: MemoryStore, dice: random.Random, trouble: Trouble) -> None:
        self._memory = memory
        self._dice = dice
        self._trouble = trouble
        self._waiting: list[_Job] = []
        self._writer: asyncio.Task[None] | None = None

    async def read(self, look: Callable[[Reader], T]) -> T:
        await asyncio.sleep(self._dice.random() * 0.001)
        return await self._memory.read(look)

    async def write(self, work: Callable[[Transaction], T], **queues: Any) -> T:
        promise = Promise(loop=asyncio.get_running_loop())
        self._waiting.append((work, promise))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.get_running_loop().create_task(self._commit())
        done: T = await promise
        return done

    async def close(self) -> None: ...

    async def _commit(self) -> None:
        while self._waiting:
            jobs, self._waiting = self._waiting, []
            await self._sync()
            answers = [await self._transact(work) for work, _ in jobs]
            await self._sync()
            for (_, promise), (answer, error) in zip(jobs, answers, strict=True):
                if error is None:
                    promise.set_result(answer)
                else:
                    promise.set_exception(error)

    async def _sync(self) -> None:
        await asyncio.sleep(self._dice.random() * (0.004 + self._trouble.slow) / 2)

    async def _transact(self, work: Callable[[Transaction], T]) -> tuple[T | None, Exception | None]:
        if self._trouble.failing:
            return None, StoreError("the disk is busy elsewhere")
        try:
            return await self._memory.write(work), None
        except StoreFullError as error:
            return None, error
        except Exception as error:
            return None, error
