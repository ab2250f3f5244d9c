"""A store moved from a SQLite file to PostgreSQL: row by row, in an order in which it can go on after a break."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import psycopg

from tidegate.core.times import micros
from tidegate.engine.ports.store import StoreError
from tidegate.settings.stores import PostgresUrl, SqliteUrl
from tidegate.storage.postgres.connecting import Connection, one_line
from tidegate.storage.postgres.migrating import migrate, owner_connection
from tidegate.storage.postgres.rings import ring_of
from tidegate.storage.postgres.steps import MOVING
from tidegate.storage.postgres.tables import stored_tag
from tidegate.storage.sqlite import SqliteStore

ROWS_AT_ONCE: Final = 1000

TAG: Final = 11
"""The column of a task's tag, in the order of its statement."""

KEYS: Final = ("keys", "signing")
"""Where the ring of signing keys is among the documents."""


class Copied(NamedTuple):
    """How much was moved."""

    queues: int
    tasks: int


class _Table(NamedTuple):
    """A table of the file and where its rows go; ``{after}`` stands for the key that was copied last."""

    name: str
    read: str
    write: str
    key: str


_TABLES: Final = (
    _Table(
        "generations",
        "SELECT id, queue, tombstones_until, CASE WHEN tombstones_until IS NOT NULL THEN 0 END FROM generations"
        " WHERE id > ? ORDER BY id LIMIT ?",
        "INSERT INTO generations (id, queue, tombstones_until, closed_at) OVERRIDING SYSTEM VALUE"
        " VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
        "SELECT max(id) FROM generations",
    ),
    _Table(
        "counts",
        "SELECT id, tasks FROM generations WHERE id > ? ORDER BY id LIMIT ?",
        "INSERT INTO counts (generation, node, tasks) VALUES (%s, 0, %s) ON CONFLICT DO NOTHING",
        "SELECT max(generation) FROM counts",
    ),
    _Table(
        "sizes of attempts",
        "SELECT id, attempts_size FROM generations WHERE id > ? ORDER BY id LIMIT ?",
        "INSERT INTO attempts_sizes (generation, size) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        "SELECT max(generation) FROM attempts_sizes",
    ),
    _Table(
        "attempts",
        "SELECT id, generation, task, number, expires, record FROM attempts WHERE id > ? ORDER BY id LIMIT ?",
        "INSERT INTO attempts (id, generation, task, number, expires, record) OVERRIDING SYSTEM VALUE"
        " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        "SELECT max(id) FROM attempts",
    ),
    _Table(
        "dead tasks",
        "SELECT id, queue, task, expires, size, record, body, attempts FROM dead_tasks WHERE id > ?"
        " ORDER BY id LIMIT ?",
        "INSERT INTO dead_tasks (id, queue, task, expires, size, record, body, attempts) OVERRIDING SYSTEM VALUE"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        "SELECT max(id) FROM dead_tasks",
    ),
    _Table(
        "shelves",
        "SELECT queue, tasks, size, dropped FROM shelves WHERE queue > ? ORDER BY queue LIMIT ?",
        "INSERT INTO shelves (queue, tasks, size, dropped) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
        "SELECT max(queue) FROM shelves",
    ),
    _Table(
        "queues",
        "SELECT id, name, generation, settings FROM queues WHERE id > ? ORDER BY id LIMIT ?",
        "INSERT INTO queues (id, name, generation, settings) OVERRIDING SYSTEM VALUE VALUES (%s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        "SELECT max(id) FROM queues",
    ),
    _Table(
        "flows",
        "SELECT id, tokens, filled_at, throttle, ramp FROM queues WHERE id > ? ORDER BY id LIMIT ?",
        "INSERT INTO flows (queue, n, tokens, filled_at, throttle, ramp, under_way, head, reach)"
        " VALUES (%s, 0, %s, %s, %s, %s, '{}', 0, 0) ON CONFLICT DO NOTHING",
        "SELECT max(queue) FROM flows",
    ),
    _Table(
        "tasks",
        "SELECT seq, generation, id, schedule_time, schedule_time, create_time, dispatch_count, response_count,"
        " answer_count, first_dispatch_at, last_attempt, tag, last_lease, settings,"
        " coalesce(body, (SELECT body FROM bodies WHERE task = seq)), dispatched_at IS NOT NULL"
        " FROM tasks WHERE seq > ? ORDER BY seq LIMIT ?",
        "INSERT INTO tasks (seq, generation, id, due, schedule_time, create_time, dispatch_count, response_count,"
        " answer_count, first_dispatch_at, last_attempt, tag, last_lease, settings, body)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        "SELECT max(seq) FROM tasks",
    ),
)
_SMALL: Final = (
    _Table(
        "names of deleted queues",
        "SELECT name, until FROM reserved_names WHERE name > ? ORDER BY name LIMIT ?",
        "INSERT INTO reserved_names (name, until) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        "",
    ),
    _Table(
        "names of gone tasks",
        "SELECT queue, id, until FROM tombstones WHERE (queue, id) > (?, ?) ORDER BY queue, id LIMIT ?",
        "INSERT INTO tombstones (queue, id, until, ring) VALUES (%s, %s, %s, %s)",
        "",
    ),
    _Table(
        "documents",
        "SELECT kind, name, value, expires FROM documents WHERE (kind, name) > (?, ?) ORDER BY kind, name LIMIT ?",
        "INSERT INTO documents (kind, name, value, expires) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
        "",
    ),
)
"""Copied anew when a move goes on: their keys do not grow."""


def move(source: SqliteUrl, target: PostgresUrl, say: Callable[[str], None]) -> Copied:
    """Copy all of a store; ``say`` is told how it goes. Raises StoreError with the cause and its cure.

    The target is empty, or has what an earlier call that broke off left there. No server opens it before this is done.
    """
    if not Path(source.path).exists():
        raise StoreError(f"there is no store at {source.path}")
    return asyncio.run(_move(source, target, say))


async def _move(source: SqliteUrl, target: PostgresUrl, say: Callable[[str], None]) -> Copied:
    path = Path(source.path)
    migrate(target)
    connection = owner_connection(target)
    store = None
    try:
        _claim(connection, target, source)
        store = await SqliteStore.open(path)  # and no server has it
        now = micros(datetime.now(UTC))
        for table in _TABLES:
            (found,) = connection.execute(table.key).fetchone() or (None,)
            await _copy(store, connection, table, (found or 0,), now, say)
        connection.execute("DELETE FROM tombstones")
        for table, start in zip(_SMALL, (("",), (0, ""), ("", "")), strict=True):
            await _copy(store, connection, table, start, now, say)
        _copy_keys(connection, Path(f"{path}-keys.json"))
        _set_sequences(connection)
        copied = await _compared(store, connection)
        connection.execute("DELETE FROM documents WHERE kind = %s", (MOVING,))
    except psycopg.Error as error:
        raise StoreError(f"the move broke off: {one_line(target, error)}; run it again, it goes on") from None
    else:
        return copied
    finally:
        if store is not None:
            await store.close()
        connection.close()


def _claim(connection: Connection, target: PostgresUrl, source: SqliteUrl) -> None:
    """Note that the target is being filled from this source. Raises StoreError when it has anything else in it."""
    name = str(Path(source.path).resolve())
    found = connection.execute("SELECT name FROM documents WHERE kind = %s", (MOVING,)).fetchone()
    if found is not None:
        if found[0] != name:
            raise StoreError(
                f"a move from {found[0]} into {target} is not done yet; finish that, or name another store"
            )
        return
    used = "EXISTS (SELECT 1 FROM queues) OR EXISTS (SELECT 1 FROM tasks) OR EXISTS (SELECT 1 FROM documents)"
    if connection.execute(f"SELECT {used} OR EXISTS (SELECT 1 FROM nodes)").fetchone() != (False,):  # noqa: S608 - ours
        raise StoreError(f"{target} is in use already; name an empty database, or another schema with ?schema=NAME")
    connection.execute("INSERT INTO documents (kind, name, value) VALUES (%s, %s, '')", (MOVING, name))


async def _copy(
    store: SqliteStore,
    connection: Connection,
    table: _Table,
    after: tuple[Any, ...],
    now: int,
    say: Callable[[str], None],
) -> None:
    """Copy the rows of a table after a key, a transaction for each step."""
    done = 0
    keys = len(after)
    while True:
        values = (*after, ROWS_AT_ONCE)
        rows = await store.read(lambda reader: reader.tables.execute(table.read, values).fetchall())  # type: ignore[attr-defined]  # noqa: B023
        if rows:
            with connection.transaction():
                connection.cursor().executemany(table.write, _as_there(table, rows, now))
            after = tuple(rows[-1][:keys])
            done += len(rows)
        if len(rows) < ROWS_AT_ONCE:
            break
        if done % (100 * ROWS_AT_ONCE) == 0:
            say(f"{done} {table.name}")
    if done:
        say(f"{done} {table.name} copied")


def _as_there(table: _Table, rows: Sequence[Any], now: int) -> list[tuple[Any, ...]]:
    if table.name == "tasks":
        return [_task(row, now) for row in rows]
    if table.name == "names of gone tasks":
        return [(*row, ring_of(row[2], now)) for row in rows]
    return list(rows)


def _task(row: Sequence[Any], now: int) -> tuple[Any, ...]:
    """A task's row; an attempt that was under way ended with its server, and the task is due."""
    *columns, under_way = row
    if columns[TAG] is not None:
        columns[TAG] = stored_tag(columns[TAG])
    if under_way:
        columns[3] = columns[4] = min(columns[4], now)
    return tuple(columns)


def _copy_keys(connection: Connection, path: Path) -> None:
    if path.exists():
        connection.execute(
            "INSERT INTO documents (kind, name, value) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            (*KEYS, path.read_bytes()),
        )


def _set_sequences(connection: Connection) -> None:
    """No number is given twice."""
    for table in ("queues", "generations", "attempts", "dead_tasks"):
        connection.execute(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'),"  # noqa: S608 - one of these
            f" (SELECT coalesce(max(id), 0) + 1 FROM {table}), false)"
        )
    connection.execute("SELECT setval('task_seq', (SELECT coalesce(max(seq), 0) + 1 FROM tasks), false)")


async def _compared(store: SqliteStore, connection: Connection) -> Copied:
    """Raises StoreError unless as many rows are there as here."""
    for table in ("queues", "tasks", "tombstones", "reserved_names", "attempts", "dead_tasks"):
        count = f"SELECT count(*) FROM {table}"  # noqa: S608 - one of these
        (here,) = await store.read(lambda reader: reader.tables.execute(count).fetchone())  # type: ignore[attr-defined]  # noqa: B023
        (there,) = connection.execute(count).fetchone() or (0,)
        if here != there:
            raise StoreError(
                f"the move is not complete: {there} of {here} {table}; empty the new store and run it again"
            )
    (queues,) = connection.execute("SELECT count(*) FROM queues").fetchone() or (0,)
    (tasks,) = connection.execute("SELECT count(*) FROM tasks").fetchone() or (0,)
    return Copied(queues, tasks)
