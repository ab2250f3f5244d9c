"""The heads of queues' lines, kept by the store's own rule: what stands in line before one is not looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import apsw

from tidegate.storage.postgres.commits import LATE

_PLACE = (
    "BEGIN UPDATE tasks SET due = max(new.schedule_time, begun()), took = instant() - begun() WHERE seq = new.seq; END;"
)
HEADS = f"""
ALTER TABLE tasks ADD COLUMN due INTEGER;
ALTER TABLE tasks ADD COLUMN took INTEGER;
CREATE TABLE heads (queue INTEGER PRIMARY KEY, head INTEGER NOT NULL);
CREATE TRIGGER place_of_new AFTER INSERT ON tasks {_PLACE}
CREATE TRIGGER place_of_changed AFTER UPDATE OF schedule_time ON tasks {_PLACE}
"""

_WAITING = "FROM tasks WHERE generation = ? AND dispatched_at IS NULL"


def place_in_line(connection: apsw.Connection, begun: Callable[[], int], instant: Callable[[], int]) -> None:
    """Let tasks stand in line from the moment on when their transaction began; it happens at an instant later."""
    connection.create_scalar_function("begun", lambda *_: begun(), 0)
    connection.create_scalar_function("instant", lambda *_: instant(), 0)
    connection.execute(HEADS)


class SharedHeads:
    """The table of heads, and what stands behind them."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.execute = connection.execute

    def head(self, queue: int) -> int:
        row = self.execute("SELECT head FROM heads WHERE queue = ?", (queue,)).fetchone()
        return 0 if row is None else int(row[0])

    def move(self, queue: int, head: int) -> None:
        self.execute("INSERT OR REPLACE INTO heads VALUES (?, ?)", (queue, head))

    def due(self, generation: int, head: int, now: int, limit: int) -> Mapping[int, int]:
        """Places in line by seq of the first waiting tasks that are due."""
        line = f"SELECT seq, due {_WAITING} AND due >= ? AND due <= ? ORDER BY due, seq LIMIT ?"
        return dict(self.execute(line, (generation, head, now, limit)))

    def first(self, generation: int, head: int) -> int | None:
        """The first place in line of a waiting task."""
        row = self.execute(f"SELECT min(due) {_WAITING} AND due >= ?", (generation, head)).fetchone()
        return None if row is None else row[0]

    def passed(self) -> Sequence[tuple[str, str, int]]:
        """Waiting tasks before the head of their queue, whose transactions took no longer than is seen to."""
        found: Any = self.execute(
            "SELECT queues.name, tasks.id, heads.head - tasks.due FROM heads"
            " JOIN queues ON queues.id = heads.queue JOIN tasks ON tasks.generation = queues.generation"
            " WHERE dispatched_at IS NULL AND tag IS NULL AND due < head AND took <= ?",
            (LATE * 1_000_000,),
        ).fetchall()
        return list(found)
