"""The engine's changes as SQL, over one open transaction of one connection.

Every statement touches many rows in one step: each step gives the interpreter lock away, so fewer, larger steps win.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import apsw
from msgspec.structs import replace

from tidegate.core.bucket import Flow
from tidegate.core.lease import LeaseFilter
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue
from tidegate.core.task import Task
from tidegate.core.times import micros
from tidegate.engine.ports.store import Settlement, StoredQueue, StoreFullError, Wanted
from tidegate.storage import rows
from tidegate.storage.reading import IDS, SqlReader
from tidegate.storage.removal import Grave, bury, count_tasks, drop_bodies, entomb, json_text
from tidegate.storage.rows import TASK_COLUMNS, LeasableRow, TaskKey
from tidegate.storage.sweep import Sweeper

ROWS_PER_INSERT = 128
"""Rows of one multi-row VALUES: each statement gives the interpreter lock away once, however many rows it has."""

QUEUES_PER_LOOK = 16
"""Queues asked for their due tasks in one statement."""

QUEUES_KEPT = 4096
"""Queues of which the writer remembers the row. Most transactions begin by reading one."""

ROWS_PER_BURIAL = 1000
BURIALS = 20
"""How many tasks that were leased too often one lease clears away, in a tenth of a second; the next one goes on."""

_COLUMNS = "seq, generation, id, schedule_time, create_time, tag, settings, body"
_INSERTED = 8  # values of a row


@cache
def _insert(tasks: int) -> str:
    """The statement that inserts so many tasks, ``ROWS_PER_INSERT`` at most."""
    return f"INSERT INTO tasks ({_COLUMNS}) VALUES " + ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?)"] * tasks)


@cache
def _insert_dispatched(tasks: int) -> str:
    """The same for tasks whose first attempts start at the time that comes before the values of the rows."""
    columns = f"first_dispatch_at, dispatched_at, dispatch_count, {_COLUMNS}"
    return f"INSERT INTO tasks ({columns}) VALUES " + ", ".join(["(?1, ?1, 1, ?, ?, ?, ?, ?, ?, ?, ?)"] * tasks)


@cache
def _due(queues: int) -> str:
    """The statement that asks so many queues: a column for each, an array of ``CLAIM_COLUMNS``.

    Its values: now, then the generation and the limit of each queue.
    """
    return "SELECT " + ", ".join(
        f"(SELECT json_group_array(json_array({rows.CLAIM_COLUMNS})) FROM"
        f" (SELECT * FROM tasks WHERE generation = ?{2 * each} AND dispatched_at IS NULL AND schedule_time <= ?1"
        f" ORDER BY schedule_time, seq LIMIT ?{2 * each + 1}))"
        for each in range(1, queues + 1)
    )


class Finished(NamedTuple):
    """Tasks of a queue that are done or given up; their names stay taken ``until`` then, in microseconds."""

    queue: StoredQueue
    tasks: Sequence[Task]
    until: int


class SqlTransaction(SqlReader):
    """``ports.Transaction``. One object for the life of the store: it counts the tasks' sequence numbers."""

    def __init__(self, connection: apsw.Connection, has_room: Callable[[], bool] = lambda: True) -> None:
        """``has_room`` says whether the disk has room for anything new."""
        super().__init__(connection)
        self._connection = connection
        self._has_room = has_room
        self._executemany = connection.executemany
        self._queues: dict[QueueName, StoredQueue] = {}
        self._sweeper = Sweeper(connection)
        (last,) = self._execute("SELECT coalesce(max(seq), 0) FROM tasks").fetchone()
        self._last_seq = int(last)

    def queue(self, name: QueueName) -> StoredQueue | None:
        """As the row has it; remembered, for nobody else writes it while this store is open."""
        known = self._queues.get(name)
        if known is None:
            known = super().queue(name)
            if known is not None:
                if len(self._queues) >= QUEUES_KEPT:
                    self._queues.clear()
                self._queues[known.queue.name] = known
        return known

    def rolled_back(self) -> None:
        """What was written since the last commit is not so."""
        self._queues.clear()

    def add_queue(self, queue: Queue, flow: Flow) -> StoredQueue:
        self._check_room()
        name = str.__str__(queue.name)
        self._execute("DELETE FROM reserved_names WHERE name = ?", (name,))
        row = self._execute(
            "INSERT INTO queues (name, generation, settings, tokens, filled_at, in_flight, throttle, ramp)"
            " VALUES (?, 0, ?, ?, ?, ?, ?, ?) RETURNING id",
            (name, rows.queue_settings(queue), *rows.flow_columns(flow)),
        ).fetchall()
        queue_id = row[0][0]
        generation = self._open_generation(queue_id)
        return StoredQueue(queue=queue, flow=flow, id=queue_id, generation=generation)

    def save_queue(self, stored: StoredQueue, queue: Queue) -> None:
        self._queues.pop(stored.queue.name, None)
        self._execute("UPDATE queues SET settings = ? WHERE id = ?", (rows.queue_settings(queue), stored.id))

    def save_flows(self, flows: Sequence[tuple[StoredQueue, Flow]]) -> None:
        if len(flows) == 1:
            ((stored, flow),) = flows
            self._execute(
                "UPDATE queues SET tokens = ?, filled_at = ?, in_flight = ?, throttle = ?, ramp = ? WHERE id = ?",
                (*rows.flow_columns(flow), stored.id),
            )
        elif flows:
            self._execute(
                "UPDATE queues SET tokens = flow.value ->> 1, filled_at = flow.value ->> 2,"
                " in_flight = flow.value ->> 3, throttle = unhex(flow.value ->> 4), ramp = unhex(flow.value ->> 5)"
                " FROM json_each(?) AS flow WHERE queues.id = flow.value ->> 0",
                (json_text([(stored.id, *rows.flow_digits(flow)) for stored, flow in flows]),),
            )
        for stored, flow in flows:
            known = self._queues.get(stored.queue.name)
            if known is not None and known.id == stored.id:
                self._queues[stored.queue.name] = StoredQueue(known.queue, flow, known.id, known.generation)

    def delete_queue(self, stored: StoredQueue, reserved_until: datetime) -> None:
        self._queues.pop(stored.queue.name, None)
        self._close_generation(stored, 0)
        self._execute("DELETE FROM queues WHERE id = ?", (stored.id,))
        self._execute(
            "INSERT OR REPLACE INTO reserved_names (name, until) VALUES (?, ?)",
            (str.__str__(stored.queue.name), micros(reserved_until)),
        )

    def purge(self, stored: StoredQueue, queue: Queue, tombstones_until: datetime) -> None:
        self._close_generation(stored, micros(tombstones_until))
        self._open_generation(stored.id)
        self.save_queue(stored, queue)

    def add_tasks(self, queue: StoredQueue, tasks: Sequence[Task]) -> None:
        self._add(queue, tasks, _insert)

    def add_dispatched(self, queue: StoredQueue, tasks: Sequence[Task], now: datetime) -> list[Task]:
        first = self._add(queue, tasks, _insert_dispatched, micros(now))
        generation = queue.generation
        return [
            replace(each, dispatch_count=1, first_dispatch_time=now, dispatched_at=now, key=TaskKey(generation, seq))
            for seq, each in enumerate(tasks, first)
        ]

    def _add(self, queue: StoredQueue, tasks: Sequence[Task], insert: Callable[[int], str], *values: Any) -> int:
        """Insert tasks with statements that have these ``values`` before those of the rows; return the first's seq."""
        self._check_room()
        first = self._last_seq + 1
        self._last_seq += len(tasks)
        row_values = rows.task_values(first, queue.generation, tasks)
        for start in range(0, len(row_values), ROWS_PER_INSERT * _INSERTED):
            step = row_values[start : start + ROWS_PER_INSERT * _INSERTED]
            self._execute(insert(len(step) // _INSERTED), (*values, *step))
        long = [(seq, task.body) for seq, task in enumerate(tasks, first) if len(task.body) > rows.INLINE_BODY]
        if long:
            self._executemany("INSERT INTO bodies (task, body) VALUES (?, ?)", long)
        count_tasks(self._connection, {queue.generation: len(tasks)})
        return first

    def due_tasks(self, asked: Sequence[tuple[StoredQueue, int]], now: datetime) -> list[list[Task]]:
        due: list[list[Task]] = []
        at = micros(now)
        for start in range(0, len(asked), QUEUES_PER_LOOK):
            step = asked[start : start + QUEUES_PER_LOOK]
            values = [at]
            for queue, limit in step:
                values += (queue.generation, limit)
            found = self._execute(_due(len(step)), values).fetchone()
            for (queue, _), column in zip(step, found, strict=True):
                name, generation = queue.queue.name, queue.generation
                due.append([rows.claimed_task(name, generation, row, now) for row in rows.claimed_rows(column)])
        return due

    def fitting(self, tasks: Sequence[Task], bulk: int) -> list[Task]:
        apart = array("q", [task.key.seq for task in tasks if task.body is rows.APART])
        sizes: dict[int, int] = dict(
            self._execute(f"SELECT task, length(body) FROM bodies WHERE task IN {IDS}", (apsw.carray(apart),))
            if apart
            else ()
        )
        fit: list[tuple[Task, int]] = []
        for task in tasks:
            size = task.bulk + sizes.get(task.key.seq, 0)
            if size > rows.BULKY:
                bulk -= size
                if bulk < 0:
                    break
            fit.append((task, size if size > rows.BULKY else 0))
        bodies = self._bodies(array("q", [task.key.seq for task, _ in fit if task.body is rows.APART]))
        return [replace(task, body=bodies.get(task.key.seq, task.body), bulk=size) for task, size in fit]

    def mark_dispatched(self, tasks: Sequence[Task], now: datetime) -> None:
        if tasks:
            self._execute(
                "UPDATE tasks SET dispatch_count = dispatch_count + 1, dispatched_at = ?1,"
                f" first_dispatch_at = coalesce(first_dispatch_at, ?1) WHERE seq IN {IDS}",
                (micros(now), apsw.carray(array("q", [task.key.seq for task in tasks]))),
            )

    def force(self, queue: StoredQueue, task_id: str, now: datetime) -> Task | None:
        found = self._execute(
            "UPDATE tasks SET dispatch_count = dispatch_count + 1, dispatched_at = ?1,"
            " first_dispatch_at = coalesce(first_dispatch_at, ?1)"
            f" WHERE generation = ?2 AND id = ?3 RETURNING {TASK_COLUMNS}, body",
            (micros(now), queue.generation, task_id),
        ).fetchall()
        return self._task(queue, found[0], body=True) if found else None

    def lease(self, queue: StoredQueue, wanted: Wanted, now: datetime, until: datetime) -> list[Task]:
        if wanted.filter.oldest:
            oldest = self._choose(queue, replace(wanted, filter=LeaseFilter(), limit=1), now)
            if not oldest:
                return []
            wanted = replace(wanted, filter=LeaseFilter(tag=rows.tag_of(oldest[0])))
        chosen = self._choose(queue, wanted, now)
        if not chosen:
            return []
        self._execute(
            "UPDATE tasks SET schedule_time = ?, dispatch_count = dispatch_count + 1, last_lease = NULL"
            f" WHERE seq IN {IDS}",
            (micros(until), apsw.carray(array("q", [row.seq for row in chosen]))),
        )
        last = array(
            "q", [row.seq for row in chosen if row.leases + 1 >= rows.leases_allowed(row.settings, queue.queue)]
        )
        if last:
            self._execute(f"UPDATE tasks SET last_lease = 1 WHERE seq IN {IDS}", (apsw.carray(last),))
        leased = [rows.leased_task(queue.queue.name, queue.generation, row, until) for row in chosen]
        apart = array("q", [task.key.seq for task in leased if task.body is rows.APART])
        if not apart:
            return leased
        bodies = self._bodies(apart)
        return [replace(task, body=bodies.get(task.key.seq, task.body)) for task in leased]

    def reschedule(self, queue: StoredQueue, task: Task, at: datetime) -> None:
        self._execute(
            "UPDATE tasks SET schedule_time = ? WHERE generation = ? AND id = ?",
            (micros(at), queue.generation, task.name.task),
        )

    def settle(self, settlements: Sequence[Settlement]) -> int:
        gone: defaultdict[int, list[Finished]] = defaultdict(list)
        kept: list[tuple[Any, ...]] = []
        for settlement in settlements:
            done: defaultdict[int, list[Task]] = defaultdict(list)
            for verdict in settlement.verdicts:
                key: TaskKey = verdict.task.key
                if key.generation != settlement.queue.generation:
                    continue  # purged meanwhile
                attempt = verdict.task.dispatch_count
                if verdict.retry is None:
                    done[attempt].append(verdict.task)
                else:
                    kept.append((*_progress(verdict.retry), key.seq, attempt))
            for attempt, tasks in done.items():
                gone[attempt].append(Finished(settlement.queue, tasks, micros(settlement.tombstones_until)))
        settled = sum(self._finish(groups, attempt) for attempt, groups in gone.items())
        if kept:
            before = self._connection.total_changes()
            self._executemany(
                "UPDATE tasks SET schedule_time = ?, response_count = ?, answer_count = ?, last_attempt = ?,"
                " dispatched_at = NULL WHERE seq = ? AND dispatch_count = ?",
                kept,
            )
            settled += self._connection.total_changes() - before
        return settled

    def remove(self, queue: StoredQueue, task_ids: Sequence[str], tombstones_until: datetime) -> set[str]:
        if not task_ids:
            return set()
        (found,) = self._execute(
            "SELECT json_group_array(json_array(seq, id, body IS NULL)) FROM tasks"
            f" WHERE generation = ? AND id IN {IDS}",
            (queue.generation, apsw.carray(tuple(task_ids))),
        ).fetchone()
        there = rows.removable_rows(found)
        if not there:
            return set()
        seqs = array("q", [seq for seq, _, _ in there])
        self._execute(f"DELETE FROM tasks WHERE seq IN {IDS}", (apsw.carray(seqs),))
        count_tasks(self._connection, {queue.generation: -len(there)})
        drop_bodies(self._connection, [seq for seq, _, apart in there if apart])
        gone = [task_id for _, task_id, _ in there]
        entomb(self._connection, Grave(queue.id, micros(tombstones_until), gone))
        return set(gone)

    def put_document(self, kind: str, name: str, value: bytes, expires: datetime | None = None) -> None:
        self._execute(
            "INSERT OR REPLACE INTO documents (kind, name, value, expires) VALUES (?, ?, ?, ?)",
            (kind, name, value, rows.optional_micros(expires)),
        )

    def drop_document(self, kind: str, name: str) -> None:
        self._execute("DELETE FROM documents WHERE kind = ? AND name = ?", (kind, name))

    def release(self, now: datetime) -> None:
        self._queues.clear()
        self._execute("UPDATE queues SET in_flight = 0 WHERE in_flight <> 0")
        self._execute(
            "UPDATE tasks SET dispatched_at = NULL, schedule_time = min(schedule_time, ?)"
            " WHERE dispatched_at IS NOT NULL",
            (micros(now),),
        )

    def sweep(self, now: datetime, limit: int) -> bool:
        return self._sweeper.sweep(now, limit)

    def reset(self) -> None:
        self._queues.clear()
        for table in ("queues", "generations", "tasks", "bodies", "tombstones", "reserved_names", "documents"):
            self._execute(f"DELETE FROM {table}")
        self._sweeper = Sweeper(self._connection)

    def _choose(self, queue: StoredQueue, wanted: Wanted, now: datetime) -> list[LeasableRow]:
        """The first tasks that are wanted; those before them that may not be leased again are buried."""
        chosen, spent = self._leasable(queue, wanted, now, wanted.limit)
        for _ in range(BURIALS):
            if not spent:
                break
            until = micros(wanted.tombstones_until)
            bury(self._connection, queue.id, queue.generation, until, f"seq IN {IDS}", (apsw.carray(spent),))
            chosen, spent = self._leasable(queue, wanted, now, ROWS_PER_BURIAL)
        return chosen

    def _leasable(
        self, queue: StoredQueue, wanted: Wanted, now: datetime, limit: int
    ) -> tuple[list[LeasableRow], array[int]]:
        """Of the first ``limit`` due tasks those that are wanted, and those that may not be leased again."""
        tag = wanted.filter.tag
        of_tag, tags = ("dispatched_at IS NULL", ()) if tag is None else ("tag = ?", (tag,))
        (found,) = self._execute(
            f"SELECT json_group_array(json_array({rows.LEASE_COLUMNS}) ORDER BY schedule_time, seq) FROM"
            f" (SELECT * FROM tasks WHERE generation = ? AND {of_tag} AND schedule_time <= ?"
            " ORDER BY schedule_time, seq LIMIT ?)",
            (queue.generation, *tags, micros(now), max(limit, wanted.limit)),
        ).fetchone()
        left = wanted.bytes_limit
        chosen: list[LeasableRow] = []
        spent = array("q")
        for row in rows.leasable_rows(found):
            if len(chosen) == wanted.limit:
                break
            if row.leases >= rows.leases_allowed(row.settings, queue.queue):
                spent.append(row.seq)
                continue
            left -= row.size
            if left < 0 and chosen:
                break
            chosen.append(row)
        return chosen, spent

    def _finish(self, groups: Sequence[Finished], attempt: int) -> int:
        """Delete tasks whose newest attempt is this one, by what is known of them: nothing is read back."""
        seqs = array("q", [task.key.seq for group in groups for task in group.tasks])
        newest = f"seq IN {IDS} AND dispatch_count = ?"
        if len(groups) > 1:
            (there,) = self._execute(
                f"SELECT count(*) FROM tasks WHERE {newest}", (apsw.carray(seqs), attempt)
            ).fetchone()
            if there < len(seqs):  # which queue's are not is found out one by one
                return sum(self._finish([group], attempt) for group in groups)
        self._execute(f"DELETE FROM tasks WHERE {newest}", (apsw.carray(seqs), attempt))
        finished = self._connection.changes()
        count_tasks(
            self._connection,
            {groups[0].queue.generation: -finished}
            if len(groups) == 1
            else {group.queue.generation: -len(group.tasks) for group in groups},
        )
        if finished != len(seqs):  # some are gone already, or under way once more
            ((queue, tasks, until),) = groups
            left = {
                name for (name,) in self._execute(f"SELECT seq FROM tasks WHERE seq IN {IDS}", (apsw.carray(seqs),))
            }
            groups = [Finished(queue, [task for task in tasks if task.key.seq not in left], until)]
        entomb(
            self._connection,
            *[Grave(group.queue.id, group.until, [task.name.task for task in group.tasks]) for group in groups],
        )
        long = [task.key.seq for group in groups for task in group.tasks if len(task.body) > rows.INLINE_BODY]
        drop_bodies(self._connection, long)
        return finished

    def _bodies(self, tasks: array[int]) -> dict[int, bytes]:
        """Bodies that stand apart, by the rows of their tasks."""
        if not tasks:
            return {}
        return dict(self._execute(f"SELECT task, body FROM bodies WHERE task IN {IDS}", (apsw.carray(tasks),)))

    def _check_room(self) -> None:
        if not self._has_room():
            raise StoreFullError("the disk is full; what room is left is for removals")

    def _open_generation(self, queue: int) -> int:
        ((generation,),) = self._execute("INSERT INTO generations (queue) VALUES (?) RETURNING id", (queue,)).fetchall()
        self._execute("UPDATE queues SET generation = ? WHERE id = ?", (generation, queue))
        return int(generation)

    def _close_generation(self, stored: StoredQueue, tombstones_until: int) -> None:
        self._execute("UPDATE generations SET tombstones_until = ? WHERE id = ?", (tombstones_until, stored.generation))


def _progress(task: Task) -> tuple[int, int, int, bytes | None]:
    """What a failed attempt changes in its task."""
    return micros(task.schedule_time), task.response_count, task.answer_count, rows.attempt_blob(task.last_attempt)
