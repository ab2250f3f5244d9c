"""One store for several nodes in virtual time: each transaction happens at an instant, somewhere between its call and
its answer, and the way there may be slow or cut.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import apsw
from msgspec.structs import replace
from tests.simulation.shared_heads import SharedHeads, place_in_line
from tests.simulation.shared_tables import NODES, SharedTables
from tests.simulation.virtual_time import VirtualClock

from tidegate.core.bucket import Flow
from tidegate.core.names import QueueName
from tidegate.core.task import Task
from tidegate.core.times import micros, moment
from tidegate.engine.ports.membership import Joined, Member
from tidegate.engine.ports.store import (
    DueTasks,
    EndedAttempts,
    FencedError,
    Reader,
    Released,
    StoreAwayError,
    StoredQueue,
    Transaction,
    Verdict,
)
from tidegate.engine.promise import Promise
from tidegate.storage import rows
from tidegate.storage.postgres.commits import LATE
from tidegate.storage.postgres.heads import Heads
from tidegate.storage.sqlite.store import MEMORY, _configure, _migrate
from tidegate.storage.transaction import StoreTransaction

T = TypeVar("T")

PATIENCE = 2.0
"""Seconds that calls wait for a store that is away."""


class SharedStore:
    """The database. ``fenced`` is called with the number of each node that is fenced, as it happens."""

    def __init__(self, dice: random.Random, fenced: Callable[[int], None]) -> None:
        self.connection = apsw.Connection(MEMORY)
        _configure(self.connection)
        _migrate(self.connection)
        self.connection.execute(NODES)
        self.clock = VirtualClock()
        self.broken: list[str] = []
        """What was found wrong in the tables after a transaction."""
        self.begun = 0
        """When the transaction that happens now began, in microseconds."""
        place_in_line(self.connection, lambda: self.begun, self.now)
        self.dice = dice
        self.fenced = fenced
        self.last_seq = 0
        self.held_now = 0.0
        """How often a queue is found held by another node."""

    def now(self) -> int:
        return micros(self.clock.now())

    async def read(self, look: Callable[[Reader], T]) -> T:
        """What somebody sees who is no node."""
        return look(NodeTransaction(self, SharedTables(self.connection)))

    def transact(self, work: Callable[[], T]) -> T:
        self.connection.execute("BEGIN")
        try:
            done = work()
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")
        return done


class NodeTransaction(StoreTransaction):
    """``ports.Transaction`` of one node. Ended attempts give their places back with its next claim."""

    tables: SharedTables

    def __init__(self, shared: SharedStore, tables: SharedTables, heads: Heads | None = None) -> None:
        super().__init__(tables)
        self._shared = shared
        self.freed: defaultdict[int, list[EndedAttempts]] = defaultdict(list)
        self._took_in: dict[int, int] = {}
        self._new_freed: list[EndedAttempts] = []
        self._holds: Collection[QueueName] = ()
        self.heads = heads or Heads()
        self._line = SharedHeads(shared.connection)
        self._looked_at: dict[int, int] = {}

    def begin(self, holds: Collection[QueueName], changes: Collection[QueueName]) -> None:
        self._queues.clear()
        self._took_in.clear()
        self._new_freed.clear()
        self._looked_at.clear()
        self.heads.clear()
        self._last_seq = self._shared.last_seq
        dice = self._shared.dice
        self._holds = {*changes, *(name for name in holds if dice.random() >= self._shared.held_now)}

    def before_commit(self) -> None:
        for queue, head in self._looked_at.items():
            if queue in self._took_in or self.heads.worth_keeping(queue, head):
                self._line.move(queue, self.heads.following(queue, head))

    def committed(self) -> None:
        self._shared.last_seq = self._last_seq
        self.heads.committed()
        for queue, entries in self._took_in.items():
            del self.freed[queue][:entries]
        for each in self._new_freed:
            self.freed[each.queue.id].append(each)
        self._queues.clear()
        for queue, node, under_way, taken in self.tables.too_few_places():
            self._shared.broken.append(f"node {node} has {under_way} attempts of queue {queue} and published {taken}")
        for name, task, by in self._line.passed():
            self._shared.broken.append(f"{task} waits in {name}, {by} us before its head")

    def held(self, queue: QueueName) -> bool:
        return queue in self._holds

    def queue(self, name: QueueName) -> StoredQueue | None:
        known = self._queues.get(name)
        if known is None and (known := super().queue(name)) is not None:
            flow = replace(known.flow, in_flight=sum(self.tables.places(known.id).values()))
            if self.held(name):
                for each in self.freed.get(known.id, ()):
                    flow = flow.ended(each.places).answered(each.answers, each.latest)
            known = self._queues[known.queue.name] = StoredQueue(known.queue, flow, known.id, known.key)
        return known

    def save_flows(self, flows: Sequence[tuple[StoredQueue, Flow]]) -> None:
        for stored, flow in flows:
            assert self.held(stored.queue.name), "limits are used that another node may use, too"
            places = self.tables.places(stored.id)
            places.pop(self.tables.node, None)
            self.tables.take_places(stored.id, flow.in_flight - sum(places.values()))
            self._took_in[stored.id] = len(self.freed.get(stored.id, ()))
        super().save_flows(flows)

    # The line

    def due_tasks(self, asked: Sequence[tuple[StoredQueue, int]], now: datetime) -> list[DueTasks]:
        found = []
        at = micros(now)
        for stored, limit in asked:
            head = self._looked_at[stored.id] = self._line.head(stored.id)
            look, begin = self.heads.look(stored.id, head, limit, at)
            places = dict(self._line.due(stored.key, begin, at, limit))
            found.append(rows.due_tasks(stored.queue.name, stored.key, self.tables.those(list(places))))
            look.saw(places)
        return found

    def mark_dispatched(self, tasks: Sequence[Task], now: datetime) -> None:
        super().mark_dispatched(tasks, now)
        for task in tasks:
            self.heads.started(task.key.seq)

    def next_due(self, queues: Sequence[StoredQueue]) -> list[datetime | None]:
        found = [self._line.first(queue.key, self._line.head(queue.id)) for queue in queues]
        return [None if due is None else moment(due) for due in found]

    def backlog(
        self, wanted: Callable[[QueueName], bool] | None = None, *, whole: bool = False
    ) -> list[tuple[StoredQueue, datetime]]:
        found = []
        for name, _ in self.tables.backlog():
            stored = self.queue(QueueName(name))
            assert stored is not None
            head = self._line.head(stored.id)
            due = self._line.first(stored.key, 0 if whole else head)
            if due is not None:
                if due < head:
                    self.heads.are_behind([stored.id])
                if wanted is None or wanted(stored.queue.name):
                    found.append((stored, moment(due)))
        return found

    def _add(self, queue: StoredQueue, tasks: Sequence[Task], dispatched_at: int | None) -> int:
        self.heads.waits(queue.id)
        return super()._add(queue, tasks, dispatched_at)

    # Queues and attempts

    def add_queue(self, queue: Any, flow: Flow) -> StoredQueue:
        self._holds = {*self._holds, queue.name}
        return super().add_queue(queue, flow)

    def ended(self, attempts: Sequence[EndedAttempts]) -> list[Verdict]:
        self._new_freed += attempts
        for each in attempts:
            self.heads.waits(each.queue.id)
        return self._record(attempts)

    def publish(self) -> None:
        """Give back the places that no claim took along."""
        for queue in [queue for queue, freed in self.freed.items() if freed]:
            row = self.tables.execute("SELECT name FROM queues WHERE id = ?", (queue,)).fetchone()
            if row is None:
                self._took_in[queue] = len(self.freed[queue])
                continue
            self._holds = {*self._holds, QueueName(row[0])}
            stored = self.queue(QueueName(row[0]))
            assert stored is not None
            self.save_flows([(stored, stored.flow)])

    def release(self, node: int, now: datetime, limit: int) -> Released:
        released = self.tables.release_some(node, micros(now), limit)
        if released and node == self.tables.node:  # who leaves has cut off some
            self._shared.fenced(node)
        left = len(released) == limit
        if not left:
            self.tables.forget_node(node)
        return Released(self._tasks_of(row for row in released if row[-1] is not None), left)


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
