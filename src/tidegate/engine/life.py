"""The life of a node, from its joining until the others take it for dead, and how long it may be sure to live."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import TypeVar

from tidegate.core.names import QueueName
from tidegate.engine.ports.store import FencedError, Reader, Store, Transaction
from tidegate.engine.ports.world import MachineClock

T = TypeVar("T")

TRUSTED_FOR = 8.0
"""Seconds after a beat was sent in which the node is sure to live: the others take it for dead after ten."""


class Life:
    """Whether this node lives. Nothing that was begun in an earlier life counts."""

    def __init__(self, machine: MachineClock) -> None:
        self._machine = machine
        self._trusted_until = float("-inf")
        self._renewed = asyncio.Event()
        self._over = True
        self._at_end: list[Callable[[], None]] = []
        self.number = 0

    def at_end(self, listener: Callable[[], None]) -> None:
        """Call this when the life ends, before anything else happens."""
        self._at_end.append(listener)

    @property
    def over(self) -> bool:
        return self._over

    @property
    def trusted(self) -> bool:
        """Whether attempts may start: no other node has taken this one for dead."""
        return self._machine.elapsed() < self._trusted_until

    async def trust(self) -> None:
        """Wait until attempts may start. When the life ends meanwhile, whoever waits is cancelled."""
        while not self.trusted:
            await self._renewed.wait()

    def renew(self, sent: float) -> None:
        """A beat that was sent then has arrived, or the node has joined."""
        self._over = False
        self._trusted_until = sent + TRUSTED_FOR
        self._renewed.set()
        self._renewed.clear()

    def end(self) -> None:
        """The others took this node for dead."""
        if self._over:
            return
        self._over = True
        self.number += 1
        self._trusted_until = float("-inf")
        for listener in self._at_end:
            listener()


class LivingStore:
    """A ``ports.Store`` that ends the life when it is told that the node is fenced. What was written in an earlier life
    is told to nobody, though it may have been committed: it is another node's by now.
    """

    def __init__(self, store: Store, life: Life) -> None:
        self._store = store
        self._life = life

    async def read(self, look: Callable[[Reader], T]) -> T:
        return await self._store.read(look)

    async def write(
        self,
        work: Callable[[Transaction], T],
        *,
        holds: Collection[QueueName] = (),
        changes: Collection[QueueName] = (),
    ) -> T:
        life = self._life.number

        def in_this_life(tx: Transaction) -> T:
            # What waited for a store that was away must not happen in the next life: nobody would act on it.
            if life != self._life.number:
                raise FencedError("the other nodes took this one for dead before it wrote")
            return work(tx)

        try:
            answer = await self._store.write(in_this_life, holds=holds, changes=changes)
        except FencedError:
            if life == self._life.number:
                self._life.end()
            raise
        if life != self._life.number:
            raise FencedError("the other nodes took this one for dead while it wrote")
        return answer

    async def close(self) -> None:
        await self._store.close()
