"""Taking tasks out of the tables, and what stays of them: their names, for a while."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Any

import apsw


def delete_tasks(connection: apsw.Connection, where: str, values: tuple[Any, ...]) -> list[str]:
    """Delete the tasks of a condition with their bodies; return their IDs."""
    gone: list[Any] = connection.execute(
        f"DELETE FROM tasks WHERE {where} RETURNING id, seq, body IS NULL", values
    ).fetchall()
    long = array("q", [seq for _, seq, apart in gone if apart])
    if long:
        connection.execute("DELETE FROM bodies WHERE task IN (SELECT value FROM carray(?))", (apsw.carray(long),))
    return [task_id for task_id, _, _ in gone]


def entomb(connection: apsw.Connection, queue: int, ids: Iterable[str], until: int) -> None:
    """Keep the names of gone tasks taken until then (microseconds since 1970)."""
    names = tuple(ids)
    if names:
        connection.execute(
            "INSERT OR REPLACE INTO tombstones (queue, id, until) SELECT ?, value, ? FROM carray(?)",
            (queue, until, apsw.carray(names)),
        )
