"""Clearing away what no longer counts, a bounded number of rows at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import apsw

from tidegate.core.queue import SHORTEST_TASK_TTL
from tidegate.core.times import micros
from tidegate.storage import rows
from tidegate.storage.removal import Grave, bury, delete_tasks, entomb

PAUSE_BETWEEN_WALKS = timedelta(hours=1)
"""How often the tasks are walked for those past their time to live, which is counted in weeks."""


class Sweeper:
    """Walks the tables on behalf of the janitor and remembers where it stopped."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._execute: Callable[..., Any] = connection.execute
        self._walked_to = 0
        self._next_walk = 0

    def sweep(self, now: datetime, limit: int) -> bool:
        """Do up to some ``limit`` rows of each kind of work; True when some is left."""
        at = micros(now)
        left = self._closed_generations(at, limit)
        for table in ("tombstones", "reserved_names"):
            left |= self._spent(table, "until", at, limit)
        left |= self._spent("documents", "expires", at, limit)
        left |= self._lost_for_good(at, limit)
        if at >= self._next_walk:
            left |= self._overdue(at, limit)
        return left

    def _spent(self, table: str, column: str, at: int, limit: int) -> bool:
        key = {"tombstones": "queue, id", "reserved_names": "name", "documents": "kind, name"}[table]
        gone = self._execute(
            f"DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {column} <= ? LIMIT ?) RETURNING 1",
            (at, limit),
        ).fetchall()
        return len(gone) == limit

    def _closed_generations(self, at: int, limit: int) -> bool:
        row = self._execute(
            "SELECT id, queue, tombstones_until FROM generations WHERE tombstones_until IS NOT NULL LIMIT 1"
        ).fetchone()
        if row is None:
            return False
        generation, queue, until = row
        gone = delete_tasks(
            self._connection, "seq IN (SELECT seq FROM tasks WHERE generation = ? LIMIT ?)", (generation, limit)
        )
        if until > at:
            entomb(self._connection, Grave(queue, until, gone))
        if len(gone) < limit:
            self._execute("DELETE FROM generations WHERE id = ?", (generation,))
        return True

    def _lost_for_good(self, at: int, limit: int) -> bool:
        """Delete pull tasks whose last lease has run out, unless they may be leased more often by now."""
        found = self._execute(
            "SELECT tasks.seq, tasks.generation, dispatch_count, tasks.settings, queues.id, queues.settings"
            " FROM tasks JOIN queues ON queues.generation = tasks.generation"
            " WHERE last_lease IS NOT NULL AND schedule_time <= ? LIMIT ?",
            (at, limit),
        ).fetchall()
        for seq, generation, leases, settings, queue, queue_settings in found:
            owner = rows.decode_queue(queue_settings)
            if leases < rows.leases_allowed(settings, owner):
                self._execute("UPDATE tasks SET last_lease = NULL WHERE seq = ?", (seq,))
            else:
                bury(self._connection, queue, generation, at + micros_of(owner.tombstone_ttl), "seq = ?", (seq,))
        return len(found) == limit

    def _overdue(self, at: int, limit: int) -> bool:
        """Go on with the walk over the tasks, oldest first, deleting those past their queue's ``task_ttl``."""
        walked = self._execute(
            "SELECT tasks.seq, tasks.generation, tasks.create_time, queues.id, queues.settings"
            " FROM tasks LEFT JOIN queues ON queues.generation = tasks.generation"
            " WHERE seq > ? ORDER BY seq LIMIT ?",
            (self._walked_to, limit),
        ).fetchall()
        oldest_that_stays = at - micros_of(SHORTEST_TASK_TTL)
        for seq, generation, created, queue, settings in walked:
            if created > oldest_that_stays:  # from here on all are too young, whatever their queue says
                break
            self._walked_to = seq
            if queue is None:
                continue  # of a closed generation, which is cleared away as a whole
            limits = rows.decode_queue(settings)
            if created + micros_of(limits.task_ttl) <= at:
                bury(self._connection, queue, generation, at + micros_of(limits.tombstone_ttl), "seq = ?", (seq,))
        else:
            if len(walked) == limit:
                return True
        self._walked_to, self._next_walk = 0, at + micros_of(PAUSE_BETWEEN_WALKS)
        return False


def micros_of(span: timedelta) -> int:
    return span // timedelta(microseconds=1)
