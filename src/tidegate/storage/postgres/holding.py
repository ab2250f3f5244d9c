"""Queues that a transaction holds, and what it leaves of their limits: locked together, appended once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from tidegate.core.bucket import Flow
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue
from tidegate.core.times import micros
from tidegate.engine.ports.store import StoredQueue
from tidegate.storage import rows
from tidegate.storage.postgres.ledger import Freed
from tidegate.storage.postgres.queue_row import QueueRow
from tidegate.storage.postgres.reader import PostgresReader
from tidegate.storage.postgres.seqs import Seqs
from tidegate.storage.postgres.tables import PostgresTables
from tidegate.storage.transaction import StoreTransaction


class SpoiledError(Exception):
    """Another node changed meanwhile what this transaction has read: run it again."""


class QueueHolder(StoreTransaction, PostgresReader):
    """The part of a transaction that is about queues. ``begin`` and ``committed`` or ``rolled_back`` frame each one."""

    tables: PostgresTables  # type: ignore[assignment]  # what is not there is not asked for here

    def __init__(self, tables: PostgresTables) -> None:
        super().__init__(tables)  # type: ignore[arg-type]
        self._ledger = tables.ledger
        self._seqs = Seqs(tables)
        self._heads = tables.ledger.heads
        self._clear()

    def _clear(self) -> None:
        self._queues: dict[QueueName, StoredQueue] = {}
        self._rows: dict[int, QueueRow] = {}  # of queues that are held
        self._held: set[QueueName] = set()
        self._flows: dict[int, Flow] = {}  # as they are now, where they differ
        self._entries: dict[int, int] = {}  # of the ledger, that those flows take in
        self._heads.clear()
        self._reach: dict[int, int] = {}
        self._freed: list[tuple[int, Freed]] = []
        self._counts: dict[int, int] = {}  # of the ledger, that this transaction writes
        self._cleared: dict[int, int] = {}  # queues, and up to which flow they were cleared
        self._asked: defaultdict[int, set[str]] = defaultdict(set)
        self._written: dict[int, int] = {}
        self.started: list[tuple[int, int]] = []
        """Queue and seq of each task that was marked as dispatched, or stored so."""
        self.tables.counted.clear()

    # The frame

    def begin(self, holds: Collection[QueueName], changes: Collection[QueueName]) -> set[QueueName]:
        """Begin, and take those of these queues that nobody else holds. Returns those of ``changes`` that are held by
        others; nothing waits for them, for others would wait behind.
        """
        self._clear()
        wanted = changes.union(holds) if isinstance(changes, set) else {*holds, *changes}
        if wanted:
            self._hold(wanted, wait=False)
        if not (missing := [str.__str__(name) for name in changes if name not in self._held]):
            return set()
        return {QueueName(row.name) for row in self.tables.queue_rows_by_name(missing)}

    def before_commit(self) -> None:
        """Append the flows that have changed, each once."""
        new = []
        for queue, row in self._rows.items():
            flow = self._flows.get(queue)
            if flow is None:
                if not self._heads.worth_keeping(queue, row.head):
                    continue
                flow, self._entries[queue] = self._ledger.apply(queue, row.stored().flow)
            reach = max(row.reach, self._reach.get(queue, row.reach))
            following = row.following(flow, self.tables.node, self._heads.following(queue, row.head), reach)
            new.append(following.flow_columns())
            self._written[queue] = following.n
        if new:
            self.tables.append_flows(new)

    def committed(self) -> None:
        """What was written is so."""
        self._heads.committed()
        for queue, n in self._written.items():
            self._ledger.wrote(queue, self._entries.get(queue, 0), n)
        for queue, freed in self._freed:
            self._ledger.freed[queue].append(freed)
        for generation, count in self._counts.items():
            self._ledger.counts[generation] -= count
            if not self._ledger.counts[generation]:
                del self._ledger.counts[generation]
        self._ledger.counts.update(self.tables.counted)
        for queue, n in self._cleared.items():
            self._ledger.cleared(queue, n)
        self._clear()

    def rolled_back(self) -> None:
        self._clear()

    def was_late(self) -> None:
        """The commit took so long that heads may have passed its tasks: the next claim of their queues looks back."""
        self._heads.was_late()

    # Holding

    def held(self, queue: QueueName) -> bool:
        return queue in self._held

    def _hold(self, names: Iterable[QueueName], *, wait: bool) -> None:
        found = self.tables.hold([str.__str__(name) for name in names], wait=wait)
        self._take(found)

    def _take(self, found: Sequence[QueueRow]) -> None:
        for row in found:
            name = QueueName(row.name)
            stored = row.stored()
            flow, entries = self._ledger.apply(row.id, stored.flow)
            self._rows[row.id] = row
            self._entries[row.id] = entries
            self._held.add(name)
            self._queues[name] = StoredQueue(stored.queue, flow, stored.id, stored.key)

    def _must_hold(self, stored: StoredQueue) -> None:
        """Lock a queue that the work did not name before."""
        name = stored.queue.name
        if name in self._held:
            return
        self._hold([name], wait=True)
        now = self._queues.get(name)
        if (
            name not in self._held
            or now is None
            or (now.id, now.key, now.queue) != (stored.id, stored.key, stored.queue)
        ):
            raise SpoiledError(f"{name} was changed by another node")

    # Queues

    def queue(self, name: QueueName) -> StoredQueue | None:
        """As it is in this transaction."""
        known = self._queues.get(name)
        if known is None:
            known = PostgresReader.queue(self, name)
            if known is not None:
                self._queues[known.queue.name] = known
        return known

    def add_queue(self, queue: Queue, flow: Flow) -> StoredQueue:
        name = str.__str__(queue.name)
        self.tables.free_name(name)
        queue_id = self.tables.new_queue(name, rows.queue_settings(queue))
        if queue_id is None:
            raise SpoiledError(f"{name} was made by another node")
        generation = self.tables.open_generation(queue_id)
        head = 0
        empty = QueueRow(queue_id, name, generation, rows.queue_settings(queue), -1, 0.0, 0, None, None, "{}", head, 0)
        row = empty.following(flow, self.tables.node, head, 0)
        self.tables.append_flows([row.flow_columns()])
        stored = StoredQueue(queue=queue, flow=flow, id=queue_id, key=generation)
        self._rows[queue_id] = row
        self._entries[queue_id] = 0
        self._held.add(queue.name)
        self._queues[queue.name] = stored
        return stored

    def save_queue(self, stored: StoredQueue, queue: Queue) -> None:
        self._must_hold(stored)
        self.tables.save_settings(stored.id, rows.queue_settings(queue))
        known = self._queues[queue.name]
        self._queues[queue.name] = StoredQueue(queue, known.flow, known.id, known.key)

    def save_flows(self, flows: Sequence[tuple[StoredQueue, Flow]]) -> None:
        for stored, flow in flows:
            self._must_hold(stored)
            self._flows[stored.id] = flow
            self.tables.on.writes += 1
            known = self._queues[stored.queue.name]
            self._queues[stored.queue.name] = StoredQueue(known.queue, flow, known.id, known.key)

    def delete_queue(self, stored: StoredQueue, reserved_until: datetime) -> None:
        self._must_hold(stored)
        self._rows.pop(stored.id)
        self._held.discard(stored.queue.name)
        super().delete_queue(stored, reserved_until)

    def purge(self, stored: StoredQueue, queue: Queue, tombstones_until: datetime) -> None:
        self._must_hold(stored)
        self.tables.close_generation(stored.key, micros(tombstones_until))
        generation = self.tables.open_generation(stored.id)
        self.tables.save_settings(stored.id, rows.queue_settings(queue))
        flow = self._queues[stored.queue.name].flow
        self._queues[stored.queue.name] = StoredQueue(queue, flow, stored.id, generation)
        self._rows[stored.id] = self._rows[stored.id]._replace(generation=generation)
