"""Gathering: what arrives while the last batch is with the store goes into the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

from tidegate.engine.promise import Promise

T = TypeVar("T")
R = TypeVar("R")


class Batcher(Generic[T, R]):
    """Hands items to ``commit`` in batches, one batch at a time: two would be smaller, and cost a commit each.

    ``commit`` answers with a result for each item, in their order. All items of a batch share one future, for a future
    of its own for each costs more than the rest of the hand-over. When ``commit`` raises, every waiter of the batch
    gets it.
    """

    def __init__(self, commit: Callable[[Sequence[T]], Awaitable[Sequence[R]]]) -> None:
        self._commit = commit
        self._filling: list[T] = []
        self._filled: Promise | None = None
        self._under_way: asyncio.Task[None] | None = None

    async def result(self, item: T) -> R:
        """Put an item into the batch being filled; its result, once the batch is done."""
        place = len(self._filling)
        results = await self.add(item)
        found: R = results[place]
        return found

    def add(self, item: T) -> Promise:
        """Put an item into the batch being filled; the future is done, with all results, when the batch is."""
        promise = self._filled
        if promise is None:
            loop = asyncio.get_running_loop()
            promise = self._filled = Promise(loop=loop)
            loop.call_soon(self._send)  # after the other calls that are ready now, so that they come along
        self._filling.append(item)
        return promise

    @property
    def idle(self) -> bool:
        """Whether nothing is being filled or under way."""
        return self._filled is None and self._under_way is None

    async def drained(self) -> None:
        """Wait until nothing is being filled or under way."""
        while waited := self._filled or self._under_way:
            await asyncio.wait([waited])

    def _send(self) -> None:
        promise = self._filled
        if promise is None or self._under_way is not None:
            return
        items, self._filling, self._filled = self._filling, [], None
        self._under_way = asyncio.get_running_loop().create_task(self._run(items, promise))

    async def _run(self, items: list[T], promise: Promise) -> None:
        failure: Exception | None = None
        results: Any = None
        try:
            results = await self._commit(items)
        except Exception as error:
            failure = error
        finally:
            # The next batch goes first, for those who waited for this one take the loop for a while.
            self._under_way = None
            self._send()
        if failure is None:
            promise.set_result(results)
        else:
            promise.set_exception(failure)
            promise.exception()  # an item nobody waits for is no error of its own
