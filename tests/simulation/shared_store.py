"""One store for several nodes in virtual time: each transaction happens at an instant, somewhere between its call and
its answer.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
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
from tidegate.engine.ports.store import DueTasks, EndedAttempts, Reader, Released, StoredQueue, Verdict
from tidegate.storage import rows
from tidegate.storage.postgres.heads import Heads
from tidegate.storage.sqlite.store import MEMORY, _configure, _migrate
from tidegate.storage.transaction import StoreTransaction

T = TypeVar("T")


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
