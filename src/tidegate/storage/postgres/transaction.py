"""The engine's changes, made in PostgreSQL: names that others may take, heads that move on, places given back."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from tidegate.core.names import QueueName
from tidegate.core.task import Task
from tidegate.core.times import micros, moment
from tidegate.engine.ports.store import Added, DueTasks, EndedAttempts, Mark, Released, StoredQueue, Verdict
from tidegate.storage import rows
from tidegate.storage.postgres.holding import QueueHolder
from tidegate.storage.postgres.ledger import Freed
from tidegate.storage.rows import TaskKey
from tidegate.storage.transaction import Finished

RELEASED_QUEUES: Final = 64
"""Queues from which the attempts of a dead node are taken in one step."""


class PostgresTransaction(QueueHolder):
    """``ports.Transaction``. One object for the life of the store."""

    # New tasks

    def entombed(self, queue: StoredQueue, task_ids: Sequence[str], now: datetime) -> set[str]:
        """And they are looked for again once tasks of these IDs are stored, for another node may have ended some."""
        self._asked[queue.id].update(task_ids)
        return super().entombed(queue, task_ids, now)

    def add_tasks(self, queue: StoredQueue, tasks: Sequence[Task]) -> Collection[str]:
        return self._new(queue, tasks, None)[1]

    def add_dispatched(self, queue: StoredQueue, tasks: Sequence[Task], now: datetime) -> Added:
        at = micros(now)
        seqs, taken = self._new(queue, tasks, at)
        self._reach[queue.id] = max(at, self._reach.get(queue.id, 0))
        added = [
            replace(task, key=TaskKey(queue.key, seq))
            for task, seq in zip(tasks, seqs, strict=True)
            if not taken or task.name.task not in taken
        ]
        self.started += [(queue.id, task.key.seq) for task in added]
        return Added(added, taken)

    def _new(
        self, queue: StoredQueue, tasks: Sequence[Task], dispatched_at: int | None
    ) -> tuple[Sequence[int], set[str]]:
        """Insert tasks; their seqs, and the IDs of those that others took first."""
        if not tasks:
            return (), set()
        values = rows.task_values(0, queue.key, tasks)
        seqs = self._seqs.take(len(tasks))
        values[0 :: rows.INSERTED] = seqs
        inserted = self.tables.new_tasks(values, dispatched_at)
        self._heads.waits(queue.id)
        ids = values[2 :: rows.INSERTED]
        taken: set[str] = set()
        if inserted < len(seqs):
            there = self.tables.existing(seqs)
            taken = {task_id for task_id, seq in zip(ids, seqs, strict=True) if seq not in there}
        asked = self._asked[queue.id].intersection(ids) - taken if queue.id in self._asked else ()
        if asked and (late := self.tables.entombed_by_id(queue.id, sorted(asked), self.tables.now())):
            self.tables.take_back([seq for task_id, seq in zip(ids, seqs, strict=True) if task_id in late])
            taken |= late
        self.tables.count_tasks({queue.key: len(seqs) - len(taken)})
        return seqs, taken

    # Attempts

    def due_tasks(self, asked: Sequence[tuple[StoredQueue, int]], now: datetime) -> list[DueTasks]:
        if not asked:
            return []
        at = micros(now)
        wanted, looks = [], {}
        for stored, limit in asked:
            self._must_hold(stored)
            looks[stored.key], head = self._heads.look(stored.id, self._rows[stored.id].head, limit, at)
            wanted.append((stored.key, head, limit))
        found: defaultdict[int, list[tuple[int, ...]]] = defaultdict(list)
        waiting: defaultdict[int, dict[int, int]] = defaultdict(dict)
        for generation, due, *row, size in self.tables.due_from(wanted, at):
            if row[-1] is None:
                row[-1] = size
            found[generation].append(tuple(row))
            waiting[generation][row[0]] = due
        for generation, look in looks.items():
            look.saw(waiting[generation])
        return [rows.due_tasks(stored.queue.name, stored.key, found[stored.key]) for stored, _ in asked]  # type: ignore[arg-type]

    def next_due(self, queues: Sequence[StoredQueue]) -> list[datetime | None]:
        if not queues:
            return []
        asked = [(stored.id, stored.key, self._head(stored)) for stored in queues]
        held = [each for each in asked if each[0] in self._rows]
        found = self.tables.first_due(held) if held else {}
        if len(held) < len(asked):
            found |= self.tables.next_due_by_queue([queue for queue, *_ in asked if queue not in self._rows])
        return [None if (due := found.get(stored.id)) is None else moment(due) for stored in queues]

    def _head(self, stored: StoredQueue) -> int:
        row = self._rows.get(stored.id)
        return 0 if row is None else min(row.head, self.tables.now())

    def mark_dispatched(self, tasks: Sequence[Task], now: datetime) -> None:
        if not tasks:
            return
        at = micros(now)
        by_queue: dict[QueueName, list[int]] = {}
        due: list[int] = []
        forced: list[int] = []
        for task in tasks:
            seq = task.key.seq
            (due if self._heads.started(seq) else forced).append(seq)
            by_queue.setdefault(task.name.parent, []).append(seq)
        for name, seqs in by_queue.items():
            stored = self.queue(name)
            assert stored is not None  # noqa: S101 - it has these tasks
            self._must_hold(stored)
            self._flows.setdefault(stored.id, self._queues[name].flow)
            self._reach[stored.id] = max(at, self._reach.get(stored.id, 0))
            self.started += [(stored.id, seq) for seq in seqs]
        if due:
            self.tables.mark_dispatched(due, at)
        if forced:
            self.tables.mark_forced(forced, at)

    def ended(self, attempts: Sequence[EndedAttempts]) -> list[Verdict]:
        stale = self._record(attempts)
        for each in attempts:
            if any(verdict.retry is not None for verdict in each.verdicts):
                self._heads.waits(each.queue.id)
            known = self._queues.get(each.queue.queue.name)
            if known is not None and known.id == each.queue.id and known.id in self._rows:
                self.save_flows([(known, known.flow.ended(each.places).answered(each.answers, each.latest))])
            else:  # the next claim, or the next second, gives the places back
                self._freed.append((each.queue.id, Freed(each.places, each.answers, each.latest)))
        return stale

    def _finish(self, groups: Sequence[Finished], attempt: int) -> list[Verdict]:
        seqs = [task.key.seq for group in groups for task in group.tasks]
        untils = {group.queue.key: (group.queue.id, group.until) for group in groups}
        finished = self.tables.finish(seqs, attempt, untils)
        self.tables.count_tasks({group.queue.key: -finished.get(group.queue.id, 0) for group in groups})
        if sum(finished.values()) == len(seqs):
            return []
        there = self.tables.existing(
            seqs
        )  # those that are gone already are no news; the others are under way once more
        return [verdict for group in groups for verdict in group.verdicts if verdict.task.key.seq in there]

    def _retry(self, kept: Sequence[Verdict]) -> list[Verdict]:
        retries = [rows.retry_columns(verdict.retry, verdict.task) for verdict in kept if verdict.retry is not None]
        done = self.tables.retried(retries)
        return [verdict for verdict in kept if verdict.task.key.seq not in done]

    # The rest

    def release(self, node: int, now: datetime, limit: int) -> Released:
        at = micros(now)
        after, left = 0, limit
        attempts: list[tuple[StoredQueue, Task]] = []
        while left > 0:
            queues = self.tables.queues_with(node, after, RELEASED_QUEUES)
            if not queues:
                if node == self.tables.node and self._ledger.counts:
                    self._add_counts()
                self.tables.forget_node(node)
                return Released(attempts, left=False)
            after = queues[-1]
            self._take(held := self.tables.hold_by_id(queues))
            for row in held:
                stored = self._queues[QueueName(row.name)]
                released = self.tables.release_tasks(row.generation, row.reach, node, at, left)
                self._heads.waits(row.id)
                attempts += [(stored, rows.task(stored.queue.name, stored.key, each)) for each in released]
                left -= len(released)
                if left <= 0:
                    return Released(attempts, left=True)
                by_node = row.by_node()
                gone = by_node.pop(node, 0)
                self._rows[row.id] = row.without(node)
                flow = replace(stored.flow, in_flight=max(0, stored.flow.in_flight - gone))
                self.save_flows([(stored, flow)])
            if len(held) < len(queues):
                break  # others hold some of them just now
        return Released(attempts, left=True)

    def clear(self, now: datetime, limit: int) -> bool:
        if self._ledger.counts:
            self._add_counts()  # else what they say would be counted twice
        left = self.tables.recount()
        return super().clear(now, limit) or left

    def switched(self) -> None:
        """Another server has taken the database's place, and may not have the last that was written: what is remembered
        of rows and numbers counts no more.
        """
        self._ledger.switched()
        self._seqs.drop()

    def marked(self, node: int, limit: int) -> list[Mark]:
        found: list[Mark] = []
        queues = self.tables.queues_with(node, 0, limit)
        for row in self.tables.flows_of(queues):
            marks = self.tables.marked(row.generation, row.reach, node, limit - len(found))
            found += [Mark(row.id, TaskKey(row.generation, seq), attempt) for seq, attempt in marks]
        return found

    def release_marked(self, marks: Sequence[Mark], now: datetime) -> int:
        by_attempt: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        for mark in marks:
            by_attempt[mark.queue, mark.attempt].append(mark.key.seq)
        released = 0
        for (queue, attempt), seqs in by_attempt.items():
            if places := self.tables.release_attempt(seqs, attempt, micros(now)):
                self._freed.append((queue, Freed(places, (), now)))
                self._heads.waits(queue)
                released += places
        return released

    def reset(self) -> None:
        self._clear()
        self._ledger.forget()
        self._ledger.counts.clear()
        self.tables.reset()

    def give_back(self, started: Sequence[tuple[int, int]]) -> None:
        """Let tasks wait again, of these queues, whose attempts were marked as started and are not made."""
        now = self.tables.now()
        self.tables.release_seqs([seq for _, seq in started], now)
        for queue, places in Counter(queue for queue, _ in started).items():
            self._freed.append((queue, Freed(places, (), moment(now))))
            self._heads.waits(queue)

    def publish(self) -> None:
        """Write what nothing else has taken along: places to give back, and counts of tasks; clear away old flows."""
        if self._ledger.freed:
            self._take(self.tables.hold_by_id(list(self._ledger.freed)))
            gone = [queue for queue in self._ledger.freed if queue not in self._rows]
            for row in self._rows.values():
                if self._entries.get(row.id):
                    self._flows.setdefault(row.id, self._queues[QueueName(row.name)].flow)
            for queue in self.tables.absent(gone) if gone else ():
                del self._ledger.freed[queue]
        if self._ledger.counts:
            self._add_counts()
        if spent := self._ledger.spent_flows():
            self.tables.clear_flows(spent)
            self._cleared = {queue: newest for queue, _, newest in spent}

    def _add_counts(self) -> None:
        if not self._counts:  # of this transaction
            self._counts = dict(self._ledger.counts)
            self.tables.add_counts(self._counts)
