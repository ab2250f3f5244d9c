"""The store of one node: what it shares with others, beyond a way that may be slow or cut."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from tests.simulation.shared_store import NodeTransaction, SharedStore, T
from tests.simulation.shared_tables import SharedTables

from tidegate.core.names import QueueName
from tidegate.core.times import micros
from tidegate.engine.ports.membership import Joined, Member
from tidegate.engine.ports.store import FencedError, Reader, StoreAwayError, Transaction
from tidegate.engine.promise import Promise
from tidegate.storage.postgres.commits import LATE

PATIENCE = 2.0
"""Seconds that calls wait for a store that is away."""


class Way:
    """The network between a node and the database."""

    def __init__(self, dice: random.Random) -> None:
        self.cut = False
        self.slow = 0.002
        """Seconds that one direction takes at most."""
        self._dice = dice

    async def there(self) -> None:
        """Raises StoreAwayError when it stays cut."""
        await asyncio.sleep(self._dice.random() * self.slow)
        waited = 0.0
        while self.cut:
            if waited >= PATIENCE:
                raise StoreAwayError("the database cannot be reached")
            await asyncio.sleep(0.1)
            waited += 0.1

    async def back(self) -> None:
        """The answer comes when it can: what became of a transaction is always found out."""
        await asyncio.sleep(self._dice.random() * self.slow)
        while self.cut:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


class NodeStore:
    """``ports.Store`` and ``ports.Membership`` of one node, whose clock is told the database's time."""

    alone = False
    switches = 0

    def __init__(self, shared: SharedStore, way: Way, sampled: Callable[[int], None]) -> None:
        self._shared = shared
        self._way = way
        self._sampled = sampled
        self._tables = SharedTables(shared.connection)
        self._tx = NodeTransaction(shared, self._tables)
        self._waiting: list[tuple[Any, Collection[QueueName], Collection[QueueName], Promise]] = []
        self._writing: asyncio.Task[None] | None = None
        self._publishing: asyncio.Task[None] | None = None

    @property
    def node(self) -> int:
        return self._tables.node

    async def read(self, look: Callable[[Reader], T]) -> T:
        tables = SharedTables(self._shared.connection)
        return await self._ask(lambda: look(NodeTransaction(self._shared, tables, self._tx.heads)))

    async def write(
        self,
        work: Callable[[Transaction], T],
        *,
        holds: Collection[QueueName] = (),
        changes: Collection[QueueName] = (),
    ) -> T:
        promise = Promise(loop=asyncio.get_running_loop())
        self._waiting.append((work, tuple(holds), tuple(changes), promise))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write())
        done: T = await promise
        return done

    async def close(self) -> None: ...

    async def _write(self) -> None:
        while self._waiting:
            jobs, self._waiting = self._waiting, []
            work = partial(self._commit_all, jobs, self._shared.now())
            try:
                answers = await self._ask(work)
            except StoreAwayError as error:
                answers = [(None, error)] * len(jobs)
            for (*_, promise), (answer, failure) in zip(jobs, answers, strict=True):
                if failure is None:
                    promise.set_result(answer)
                else:
                    promise.set_exception(failure)

    def _commit_all(self, jobs: Sequence[Any], begun: int) -> list[tuple[Any, Exception | None]]:
        return [self._commit(begun, *job[:3]) for job in jobs]

    def _commit(self, begun: int, work: Any, holds: Collection[QueueName], changes: Collection[QueueName]) -> Any:
        def once() -> Any:
            if not self._tables.execute("SELECT 1 FROM writers WHERE node = ?", (self.node,)).fetchall():
                raise FencedError("this node was taken for dead")
            self._tx.begin(holds, changes)
            done = work(self._tx)
            self._tx.before_commit()
            return done

        def spoiled() -> None:
            once()
            raise _SpoiledError

        self._shared.begun = begun
        if self._shared.dice.random() < 0.1:
            with suppress(Exception):
                self._shared.transact(spoiled)
        try:
            answer = self._shared.transact(once)
        except Exception as error:
            return None, error
        if self._shared.now() - begun > LATE * 1_000_000:
            self._tx.heads.was_late()
        self._tx.committed()
        return answer, None

    async def _ask(self, work: Callable[[], T]) -> T:
        await self._way.there()
        now = micros(self._shared.clock.now())
        try:
            answer = work()
        finally:
            await self._way.back()
            self._sampled(now)
        return answer

    # Membership

    async def join(self, name: str) -> Joined:
        joined = await self._ask(lambda: self._shared.transact(lambda: self._join(name)))
        self._tables.node = joined.node
        self._tx.freed.clear()
        if self._publishing is None:
            self._publishing = asyncio.get_running_loop().create_task(self._publish())
        return joined

    def _join(self, name: str) -> Joined:
        namesakes = [node for (node,) in self._tables.execute("SELECT id FROM nodes WHERE name = ?", (name,))]
        for node in namesakes:
            self._fence(node)
        self._tables.execute("INSERT INTO nodes (name) VALUES (?)", (name,))
        node = self._shared.connection.last_insert_rowid()
        self._tables.execute("INSERT INTO writers VALUES (?)", (node,))
        return Joined(node, namesakes)

    def _fence(self, node: int) -> None:
        self._tables.execute("UPDATE nodes SET fenced = 1 WHERE id = ?", (node,))
        self._tables.execute("DELETE FROM writers WHERE node = ?", (node,))
        self._shared.fenced(node)

    async def beat(self) -> Sequence[Member]:
        def work() -> Sequence[Member]:
            self._tables.execute("UPDATE nodes SET beats = beats + 1 WHERE id = ? AND NOT fenced", (self.node,))
            if not self._shared.connection.changes():
                raise FencedError("this node was taken for dead")
            found = self._tables.execute("SELECT id, beats, fenced FROM nodes").fetchall()
            return [Member(node, beats, bool(fenced)) for node, beats, fenced in found]

        return await self._ask(lambda: self._shared.transact(work))

    async def fence(self, member: Member) -> bool:
        def work() -> bool:
            still = self._tables.execute(
                "SELECT 1 FROM nodes WHERE id = ? AND beats = ?", (member.node, member.beats)
            ).fetchall()
            if still:
                self._fence(member.node)
            return bool(still)

        return await self._ask(lambda: self._shared.transact(work))

    async def leave(self) -> None:
        await self._ask(lambda: self._shared.transact(lambda: self._tables.forget_node(self.node)))

    async def _publish(self) -> None:
        """Each second, what no claim took along."""
        while True:
            await asyncio.sleep(1)
            if any(self._tx.freed.values()):
                with suppress(FencedError, StoreAwayError):
                    await self.write(lambda tx: tx.publish())  # type: ignore[attr-defined]


class _SpoiledError(Exception):
    """Undoes a transaction whose work went well."""
