"""Taking tasks out of the tables, and what stays of them: their names, for a while."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import Any

import apsw


def delete_tasks(connection: apsw.Connection, where: str, values: tuple[Any, ...]) -> list[str]:
    """Delete the tasks of a condition with their bodies; return their IDs."""
    gone: list[Any] = connection.execute(
        f"DELETE FROM tasks WHERE {where} RETURNING id, seq, body IS NULL", values
    ).fetchall()
    drop_bodies(connection, [seq for _, seq, apart in gone if apart])
    return [task_id for task_id, _, _ in gone]


def count_tasks(connection: apsw.Connection, generation: int, more: int) -> None:
    """Note that a generation has so many tasks more."""
    if more:
        connection.execute("UPDATE generations SET tasks = tasks + ? WHERE id = ?", (more, generation))


def drop_bodies(connection: apsw.Connection, seqs: Sequence[int]) -> None:
    """Delete the long bodies of tasks that are gone."""
    if seqs:
        tasks = apsw.carray(array("q", seqs))
        connection.execute("DELETE FROM bodies WHERE task IN (SELECT value FROM carray(?))", (tasks,))


def entomb(connection: apsw.Connection, queue: int, ids: Iterable[str], until: int) -> None:
    """Keep the names of gone tasks taken until then (microseconds since 1970)."""
    names = tuple(ids)
    if names:
        connection.execute(
            "INSERT OR REPLACE INTO tombstones (queue, id, until) SELECT ?, value, ? FROM carray(?)",
            (queue, until, apsw.carray(names)),
        )
