"""Taking tasks out of the tables, and what stays of them: their names, for a while."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import apsw
import msgspec

_encoder = msgspec.json.Encoder()


def json_text(value: Any) -> str:
    """Rows for ``json_each``: one statement for all of them is one step, and one hand-over of the interpreter lock."""
    return _encoder.encode(value).decode()


def delete_tasks(connection: apsw.Connection, where: str, values: tuple[Any, ...]) -> list[str]:
    """Delete the tasks of a condition with their bodies; return their IDs."""
    gone: list[Any] = connection.execute(
        f"DELETE FROM tasks WHERE {where} RETURNING id, seq, body IS NULL", values
    ).fetchall()
    drop_bodies(connection, [seq for _, seq, apart in gone if apart])
    return [task_id for task_id, _, _ in gone]


def count_tasks(connection: apsw.Connection, more: Mapping[int, int]) -> None:
    """Note how many tasks more each of these generations has."""
    changed = [(generation, by) for generation, by in more.items() if by]
    if len(changed) == 1:
        connection.execute("UPDATE generations SET tasks = tasks + ?2 WHERE id = ?1", changed[0])
    elif changed:
        connection.execute(
            "UPDATE generations SET tasks = tasks + (more.value ->> 1)"
            " FROM json_each(?) AS more WHERE generations.id = more.value ->> 0",
            (json_text(changed),),
        )


def drop_bodies(connection: apsw.Connection, seqs: Sequence[int]) -> None:
    """Delete the long bodies of tasks that are gone."""
    if seqs:
        tasks = apsw.carray(array("q", seqs))
        connection.execute("DELETE FROM bodies WHERE task IN (SELECT value FROM carray(?))", (tasks,))


class Grave(NamedTuple):
    """The names of gone tasks of a queue, taken ``until`` then (microseconds since 1970)."""

    queue: int
    until: int
    ids: Sequence[str]


def entomb(connection: apsw.Connection, *graves: Grave) -> None:
    """Keep the names of gone tasks taken."""
    filled = [grave for grave in graves if grave.ids]
    if len(filled) == 1:
        queue, until, ids = filled[0]
        connection.execute(
            "INSERT OR REPLACE INTO tombstones (queue, id, until) SELECT ?, value, ? FROM carray(?)",
            (queue, until, apsw.carray(tuple(ids))),
        )
    elif filled:
        connection.execute(
            "INSERT OR REPLACE INTO tombstones (queue, id, until)"
            " SELECT grave.value ->> 0, task.value, grave.value ->> 1"
            " FROM json_each(?) AS grave, json_each(grave.value, '$[2]') AS task",
            (json_text(filled),),
        )


def bury(
    connection: apsw.Connection, queue: int, generation: int, until: int, where: str, values: tuple[Any, ...]
) -> None:
    """Delete the tasks of a condition, all of one queue's generation, and keep their names taken ``until`` then."""
    gone = delete_tasks(connection, where, values)
    count_tasks(connection, {generation: -len(gone)})
    entomb(connection, Grave(queue, until, gone))
