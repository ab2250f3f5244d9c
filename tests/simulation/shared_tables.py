"""SQLite's tables in memory, with what nodes need: who has a task under way, and how many places each has taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apsw

from tidegate.storage.rows import INSERTED, TASK_COLUMNS, DueRow, Row
from tidegate.storage.sqlite.arrays import DUE, IN, due_rows, numbers
from tidegate.storage.sqlite.tables import SqliteTables

NODES = """
ALTER TABLE tasks ADD COLUMN node INTEGER;
CREATE TABLE places (queue INTEGER, node INTEGER, taken INTEGER NOT NULL, PRIMARY KEY (queue, node));
CREATE TABLE nodes (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, beats INTEGER DEFAULT 0, fenced INTEGER DEFAULT 0);
CREATE TABLE writers (node INTEGER PRIMARY KEY);
"""


class SharedTables(SqliteTables):
    """``tables.Tables`` of one node. What another node has under way is none of its business."""

    def __init__(self, connection: apsw.Connection) -> None:
        super().__init__(connection)
        self.node = 0

    def insert_tasks(self, values: Sequence[Any], dispatched_at: int | None) -> None:
        super().insert_tasks(values, dispatched_at)
        if dispatched_at is not None:
            self._take(values[::INSERTED])

    def mark_dispatched(self, seqs: Sequence[int], now: int) -> None:
        super().mark_dispatched(seqs, now)
        self._take(seqs)

    def _take(self, seqs: Sequence[int]) -> None:
        self.execute(f"UPDATE tasks SET node = ? WHERE seq {IN}", (self.node, numbers(seqs)))

    def mine(self, seqs: Sequence[int]) -> list[int]:
        """Those of the tasks that this node has under way."""
        if not seqs:
            return []
        found = self.execute(f"SELECT seq FROM tasks WHERE seq {IN} AND node = ?", (numbers(seqs), self.node))
        return [seq for (seq,) in found]

    def retry(self, retries: Sequence[Row]) -> int:
        mine = set(self.mine([row[4] for row in retries]))
        if not mine:
            return 0
        done = super().retry([row for row in retries if row[4] in mine])
        self.execute(f"UPDATE tasks SET node = NULL WHERE seq {IN} AND dispatched_at IS NULL", (numbers(list(mine)),))
        return done

    def newest(self, seqs: Sequence[int], attempt: int) -> set[int]:
        mine = self.mine(seqs)
        return super().newest(mine, attempt) if mine else set()

    def count_newest(self, seqs: Sequence[int], attempt: int) -> int:
        mine = self.mine(seqs)
        return super().count_newest(mine, attempt) if mine else 0

    def delete_newest(self, seqs: Sequence[int], attempt: int) -> int:
        mine = self.mine(seqs)
        return super().delete_newest(mine, attempt) if mine else 0

    def those(self, seqs: Sequence[int]) -> Sequence[DueRow]:
        """``rows.DUE_COLUMNS`` of these tasks."""
        if not seqs:
            return []
        found = self.execute(f"SELECT json_group_array({DUE}) FROM tasks WHERE seq {IN}", (numbers(seqs),)).fetchone()
        return due_rows(found[0])

    def release_some(self, node: int, now: int, limit: int) -> list[Row]:
        """Let up to so many of the tasks that a node has under way wait again; as they were, with their queues."""
        columns = ", ".join(f"tasks.{column}" for column in TASK_COLUMNS.split(", "))
        lost: list[Row] = self.execute(
            f"SELECT {columns}, queues.name FROM tasks LEFT JOIN queues ON queues.generation = tasks.generation"
            " WHERE node = ? LIMIT ?",
            (node, limit),
        ).fetchall()
        if not lost:
            return lost
        self.execute(
            f"UPDATE tasks SET dispatched_at = NULL, node = NULL, schedule_time = min(schedule_time, ?) WHERE seq {IN}",
            (now, numbers([row[0] for row in lost])),
        )
        return lost

    def places(self, queue: int) -> dict[int, int]:
        """How many attempts of the queue each node has under way, as the nodes published it."""
        return dict(self.execute("SELECT node, taken FROM places WHERE queue = ?", (queue,)).fetchall())

    def take_places(self, queue: int, taken: int) -> None:
        """Publish how many this node has."""
        self.execute("INSERT OR REPLACE INTO places VALUES (?, ?, ?)", (queue, self.node, max(0, taken)))

    def forget_node(self, node: int) -> None:
        self.execute("DELETE FROM places WHERE node = ?", (node,))
        self.execute("DELETE FROM writers WHERE node = ?", (node,))
        self.execute("DELETE FROM nodes WHERE id = ?", (node,))

    def too_few_places(self) -> list[tuple[int, int, int, int]]:
        """Queue, node, tasks under way, places published: of those that publish fewer than they have under way."""
        found: list[tuple[int, int, int, int]] = self.execute(
            "SELECT queues.id, tasks.node, count(*) AS under_way, coalesce(places.taken, 0) FROM tasks"
            " JOIN queues ON queues.generation = tasks.generation"
            " LEFT JOIN places ON places.queue = queues.id AND places.node = tasks.node"
            " WHERE tasks.node IS NOT NULL GROUP BY 1, 2 HAVING under_way > coalesce(places.taken, 0)"
        ).fetchall()
        return found
