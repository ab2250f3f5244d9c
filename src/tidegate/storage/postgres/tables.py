"""What can be written in PostgreSQL, over one open transaction of one connection."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from tidegate.core.histogram import Histogram
from tidegate.storage.commit_counts import SECONDS
from tidegate.storage.postgres import statements as sql
from tidegate.storage.postgres.ledger import Ledger
from tidegate.storage.postgres.queue_row import QueueRow
from tidegate.storage.postgres.read_tables import PostgresReadTables
from tidegate.storage.postgres.rings import ring_of
from tidegate.storage.postgres.shelf_tables import PostgresShelfTables
from tidegate.storage.rows import INSERTED, LeaseRow, Row
from tidegate.storage.tables import Grave

GENERATION_KEPT: Final = 15 * 60 * 1_000_000
"""Microseconds for which a closed generation is kept: longer than a transaction lives that may add to it."""

FORMER: Final = 0
"""Stands in counts for the nodes that are no more."""

COUNTED_ANEW: Final = -1
"""Stands in counts for those of them that did not leave in order."""

RECOUNTED_AT_ONCE: Final = 8
RECOUNTED_MOST: Final = 50_000
"""Generations, and tasks of each, that are counted in one step: 10 ms at most."""

RETRIES_AT_ONCE: Final = 64
"""The statement may compare every pair."""


def stored_tag(tag: str) -> str:
    """A pull task's tag as its column has it: PostgreSQL's texts have no NUL. The task's settings have it as it is."""
    return tag.replace("\\", "\\\\").replace("\0", "\\0") if "\0" in tag or "\\" in tag else tag


class PostgresTables(PostgresShelfTables, PostgresReadTables):
    """``tables.Tables``, as far as PostgreSQL has it in common, and what else its transaction needs."""

    def __init__(self, ledger: Ledger, now: Callable[[], int]) -> None:
        """``now`` says the time of the engine in microseconds: no task stands in line before it."""
        super().__init__(ledger)
        self.now = now
        self.node = 0
        """Who writes."""
        self.due_seconds = Histogram(SECONDS)
        """Of the looks for due tasks; another thread reads it, and may miss the last one."""
        self.counted: Counter[int] = Counter()
        """Tasks more or less by generation, of this transaction."""

    # Queues

    def hold(self, names: Sequence[str], *, wait: bool) -> list[QueueRow]:
        """Lock queues, in the order of their IDs; those that others hold are waited for, or left out."""
        return self._with_flows(self.on.rows(sql.HOLD if wait else sql.HOLD_FREE, (list(names),)))

    def hold_by_id(self, queues: Sequence[int]) -> list[QueueRow]:
        """Lock those of the queues that nobody else holds."""
        return self._with_flows(self.on.rows(sql.HOLD_BY_ID, (list(queues),)))

    def _with_flows(self, held: Sequence[Any]) -> list[QueueRow]:
        # A statement of its own: the snapshot of one that waited for a lock is older than the lock.
        if not held:
            return []
        flows = {row[0]: row[1:] for row in self.on.rows(sql.FLOWS, ([row[0] for row in held],))}
        return [QueueRow(*row, *flows[row[0]]) for row in held]

    def new_queue(self, name: str, settings: bytes) -> int | None:
        """The ID of the new queue; None when another node made one of this name at the same time."""
        rows = self.on.write_rows(sql.INSERT_QUEUE, (name, settings))
        return rows[0][0] if rows else None

    def save_settings(self, queue: int, settings: bytes) -> None:
        self.on.write(sql.SAVE_SETTINGS, (settings, queue))

    def append_flows(self, flows: Sequence[tuple[Any, ...]]) -> None:
        self.on.write(sql.INSERT_FLOWS, [list(column) for column in zip(*flows, strict=True)])

    def delete_queue(self, queue: int) -> None:
        self.on.write(sql.DELETE_QUEUE, (queue,))
        self.on.write(sql.DELETE_FLOWS, (queue,))

    def reserve_name(self, name: str, until: int) -> None:
        self.on.write(sql.RESERVE_NAME, (name, until))

    def free_name(self, name: str) -> None:
        self.on.write(sql.FREE_NAME, (name,))

    def open_generation(self, queue: int) -> int:
        ((generation,),) = self.on.write_rows(sql.OPEN_GENERATION, (queue,))
        self.on.write(sql.SET_GENERATION, (generation, queue))
        return int(generation)

    def close_generation(self, generation: int, tombstones_until: int) -> None:
        self.on.write(sql.CLOSE_GENERATION, (tombstones_until, self.now(), generation))

    # Tasks

    def last_seq(self) -> int:
        return 0  # seqs come from the sequence

    def next_seqs(self, blocks: int) -> list[int]:
        """The first seq of each of so many new blocks."""
        return [first for (first,) in self.on.rows(sql.NEXT_SEQS, (blocks,))]

    def insert_tasks(self, values: Sequence[Any], dispatched_at: int | None) -> None:
        self.new_tasks(values, dispatched_at)

    def new_tasks(self, values: Sequence[Any], dispatched_at: int | None) -> int:
        """``insert_tasks``; how many were inserted, for those whose IDs others took are not."""
        seqs, generations, ids, schedules, created, tags, settings, bodies = (
            list(values[place::INSERTED]) for place in range(INSERTED)
        )
        if dispatched_at is not None:
            dues = [dispatched_at] * len(seqs)
        else:
            now = self.now()
            dues = schedules if min(schedules) >= now else [max(schedule, now) for schedule in schedules]
        tags = [None if tag is None else stored_tag(tag) for tag in tags]
        columns = (seqs, generations, ids, dues, schedules, created, tags, settings, bodies)
        if dispatched_at is None:
            return self.on.write(sql.INSERT_TASKS, columns)
        return self.on.write(sql.INSERT_DISPATCHED, (dispatched_at, dispatched_at, self.node, *columns))

    def take_back(self, seqs: Sequence[int]) -> None:
        """Delete tasks that this transaction inserted."""
        self.on.write(sql.TAKE_BACK, (list(seqs),))

    def entombed_by_id(self, queue: int, task_ids: Sequence[str], now: int) -> set[str]:
        return {task_id for (task_id,) in self.on.rows(sql.ENTOMBED_BY_ID, (queue, now, list(task_ids)))}

    def count_tasks(self, more: Mapping[int, int]) -> None:
        for generation, by in more.items():
            self.counted[generation] += by

    def leases(self, generation: int, task_ids: Sequence[str]) -> Sequence[tuple[str, int, int]]:
        """And nobody else leases or removes them before the transaction ends."""
        return self.on.rows(sql.LEASES_LOCKED, (generation, list(task_ids)))

    def due_from(self, asked: Sequence[tuple[int, int, int]], now: int) -> list[tuple[Any, ...]]:
        """Of each generation, from a head on, the first so many waiting tasks that are due, which nobody else takes
        before the transaction ends: generation, place in line, ``rows.DUE_COLUMNS``, the size of the body.
        """
        generations, heads, limits = zip(*asked, strict=True)
        begun = time.perf_counter()
        found = self.on.rows(sql.DUE, (list(generations), list(heads), list(limits), now))
        self.due_seconds.add(time.perf_counter() - begun)
        return found

    def first_due(self, asked: Sequence[tuple[int, int, int]]) -> dict[int, int | None]:
        """By queue the first place in line of a waiting task, of these queues, generations and heads."""
        queues, generations, heads = zip(*asked, strict=True)
        return dict(self.on.rows(sql.FIRST_DUE, (list(queues), list(generations), list(heads))))

    def leasable(self, generation: int, tag: str | None, now: int, limit: int) -> Sequence[LeaseRow]:
        if tag is None:
            found = self.on.rows(sql.LEASABLE, (generation, now, limit))
        else:
            found = self.on.rows(sql.LEASABLE_BY_TAG, (generation, stored_tag(tag), now, limit))
        rows = [(*row[:6], row[7] if row[6] is None else row[6]) for row in found]
        rows.sort(key=lambda row: (row[2], row[0]))
        return rows

    def bodies(self, seqs: Sequence[int]) -> Mapping[int, bytes]:
        return dict(self.on.rows(sql.BODIES, (list(seqs),)))

    def mark_dispatched(self, seqs: Sequence[int], now: int) -> None:
        self.on.write(sql.MARK_DISPATCHED, {"now": now, "node": self.node, "seqs": list(seqs)})

    def mark_forced(self, seqs: Sequence[int], now: int) -> None:
        """``mark_dispatched`` of tasks that may not be due; they take their place in line now."""
        self.on.write(sql.MARK_FORCED, {"now": now, "node": self.node, "seqs": list(seqs)})

    def mark_leased(self, seqs: Sequence[int], until: int) -> None:
        self.on.write(sql.MARK_LEASED, {"until": until, "seqs": list(seqs)})

    def mark_last_leases(self, seqs: Sequence[int], *, last: bool) -> None:
        self.on.write(sql.MARK_LAST_LEASES, (1 if last else None, list(seqs)))

    def reschedule(self, seq: int, at: int) -> None:
        self.on.write(sql.RESCHEDULE, (max(at, self.now()), at, [seq]))

    def retried(self, retries: Sequence[Row]) -> set[int]:
        """``Tables.retry``, of this node's attempts; the seqs of those that were ended."""
        now = self.now()
        done: set[int] = set()
        for start in range(0, len(retries), RETRIES_AT_ONCE):
            columns = zip(*retries[start : start + RETRIES_AT_ONCE], strict=True)
            at, responses, answers, last, seqs, attempts = map(list, columns)
            due = [max(each, now) for each in at]
            values = (seqs, due, at, responses, answers, last, attempts, seqs, self.node)
            done.update(seq for (seq,) in self.on.write_rows(sql.RETRY, values))
        return done

    def newest(self, seqs: Sequence[int], attempt: int) -> set[int]:
        """Those of the tasks that are there and whose newest attempt has this number and is this node's."""
        return {seq for (seq,) in self.on.rows(sql.NEWEST, (list(seqs), attempt, self.node))}

    def finish(self, seqs: Sequence[int], attempt: int, generations: Mapping[int, tuple[int, int]]) -> dict[int, int]:
        """Delete this node's tasks whose newest attempt has this number and leave tombstones; how many were there, by
        queue. ``generations`` says of each the queue, and until when its names stay taken.
        """
        now = self.now()
        values = {
            "seqs": list(seqs),
            "attempt": attempt,
            "node": self.node,
            "generations": list(generations),
            "queues": [queue for queue, _ in generations.values()],
            "untils": [until for _, until in generations.values()],
            "rings": [ring_of(until, now) for _, until in generations.values()],
        }
        return dict(self.on.write_rows(sql.FINISH, values))

    def existing(self, seqs: Sequence[int]) -> set[int]:
        return {seq for (seq,) in self.on.rows(sql.EXISTING, (list(seqs),))}

    def drop_bodies(self, seqs: Sequence[int]) -> None:
        """They stand in the tasks' rows."""

    def remove(self, generation: int, task_ids: Sequence[str]) -> list[str]:
        return [task_id for (task_id,) in self.on.write_rows(sql.REMOVE, (generation, sorted(set(task_ids))))]

    def entomb(self, graves: Sequence[Grave]) -> None:
        now = self.now()
        filled = [
            (ring_of(until, now), queue, task_id, until) for queue, until, task_ids in graves for task_id in task_ids
        ]
        if filled:
            self.on.write(sql.ENTOMB, [list(column) for column in zip(*filled, strict=True)])

    def last_leases(self, now: int, limit: int) -> Sequence[Row]:
        return self.on.rows(sql.LAST_LEASES, (now, limit))

    def ages(self, after: int, limit: int) -> Sequence[tuple[int, str, int, str | None]]:
        return self.on.rows(sql.AGES, (after, limit))

    # The rest

    def put_document(self, kind: str, name: str, value: bytes, expires: int | None) -> None:
        self.on.write(sql.PUT_DOCUMENT, (kind, name, value, expires))

    def drop_document(self, kind: str, name: str) -> None:
        self.on.write(sql.DROP_DOCUMENT, (kind, name))

    def release_tasks(self, generation: int, reach: int, node: int, now: int, limit: int) -> Sequence[Row]:
        """Let up to ``limit`` tasks that a node has under way wait again, due now; as rows with empty bodies, as they
        were.
        """
        lost = self.on.rows(sql.UNDER_WAY, (generation, reach, node, limit))
        if lost:
            self.on.write(sql.RELEASE_SEQS, {"seqs": [row[0] for row in lost], "now": now, "node": node})
        return lost

    def flows_of(self, queues: Sequence[int]) -> list[QueueRow]:
        """The rows of queues, by their IDs."""
        return [QueueRow(*row) for row in self.on.rows(sql.QUEUES_BY_ID, (list(queues),))]

    def marked(self, generation: int, reach: int, node: int, limit: int) -> list[tuple[int, int]]:
        """Seq and attempt number of up to ``limit`` tasks that a node has under way."""
        return self.on.rows(sql.MARKED, (generation, reach, node, limit))

    def release_attempt(self, seqs: Sequence[int], attempt: int, now: int) -> int:
        """Let those of these tasks wait again, due now, of which the node has this attempt under way; how many were."""
        values = {"seqs": list(seqs), "now": now, "node": self.node, "attempt": attempt}
        return self.on.write(sql.RELEASE_ATTEMPT, values)

    def release_seqs(self, seqs: Sequence[int], now: int) -> None:
        """Let these tasks of the node's wait again, due now."""
        self.on.write(sql.RELEASE_SEQS, {"seqs": list(seqs), "now": now, "node": self.node})

    def absent(self, queues: Sequence[int]) -> list[int]:
        """Those of the queues that are no more."""
        there = {queue for (queue,) in self.on.rows(sql.QUEUE_IDS, (list(queues),))}
        return [queue for queue in queues if queue not in there]

    def add_counts(self, counts: Mapping[int, int]) -> None:
        """Add to the node's own counts of tasks, by generation."""
        self.on.write(sql.ADD_COUNTS, (list(counts), [self.node] * len(counts), list(counts.values())))

    def fold_counts(self, node: int, into: int, limit: int = 100_000) -> list[int]:
        """Add the counts of one node, of up to so many generations, to those of another; which generations."""
        generations = [generation for (generation,) in self.on.rows(sql.COUNTED_BY, (node, limit))]
        if generations:
            self.on.write(sql.FOLD_COUNTS, {"node": node, "into": into, "generations": generations})
        return generations

    def recount(self) -> bool:
        """Count the tasks of some generations whose counts are to be made anew; whether there may be more. A long one
        keeps its count, in which what is missing makes no difference.
        """
        generations = self.fold_counts(COUNTED_ANEW, FORMER, RECOUNTED_AT_ONCE)
        if generations:
            self.on.write(sql.RECOUNT, {"generations": generations, "most": RECOUNTED_MOST})
        return len(generations) == RECOUNTED_AT_ONCE

    def clear_flows(self, spent: Sequence[tuple[int, int, int]]) -> None:
        """Delete flows of queues, from one up to another."""
        self.on.write(sql.DELETE_OLD_FLOWS, [list(column) for column in zip(*spent, strict=True)])

    def queues_with(self, node: int, after: int, limit: int) -> list[int]:
        """Queues, after an ID, whose limits count attempts of a node."""
        return [queue for (queue,) in self.on.rows(sql.HELD_BY_NODE, (after, f'%"{node}":%', limit))]

    def forget_node(self, node: int) -> None:
        """A node that has nothing under way any more. What another had not added to its counts nobody knows: they are
        to be made anew.
        """
        if node == self.node:
            self.fold_counts(node, FORMER)
        else:
            self.fold_counts(node, COUNTED_ANEW)
            self.on.write(sql.COUNT_ANEW, ())
        for statement in (sql.DROP_WRITER, sql.DROP_COMMITS, sql.DROP_NODE):
            self.on.write(statement, (node,))

    def closed_generation(self) -> tuple[int, int, int] | None:
        row: tuple[int, int, int] | None = self.on.row(sql.CLOSED_GENERATION, (self.now() - GENERATION_KEPT,))
        return row

    def empty_generation(self, generation: int, limit: int) -> list[str]:
        return [task_id for (task_id,) in self.on.write_rows(sql.EMPTY_GENERATION, (generation, limit))]

    def drop_generation(self, generation: int) -> None:
        if self.on.write(sql.DROP_GENERATION, (generation, self.now() - GENERATION_KEPT)):
            self.on.write(sql.DROP_COUNTS, (generation,))

    def clear_spent(self, now: int, limit: int) -> bool:
        gone = [
            self.on.write(sql.CLEAR_TOMBSTONES, {"now": now, "limit": limit}),
            self.on.write(sql.CLEAR_NAMES, (now, limit)),
            self.on.write(sql.CLEAR_DOCUMENTS, (now, limit)),
        ]
        return max(gone) >= limit

    def reset(self) -> None:
        for table in sql.DATA_TABLES:
            self.on.write(f"DELETE FROM {table}", ())
