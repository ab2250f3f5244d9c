"""A store moved from a file to PostgreSQL: all of it, once, over breaks."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.storage.claims import claim
from tests.storage.one_queue import HOUR, NOON, QUEUE, SECOND, made, pull_task, sibling, task
from tests.storage.postgres_stores import long_ago, open_store

from tidegate.core.task import Task
from tidegate.engine.ports.store import Reader, Store, StoreError, Transaction
from tidegate.settings.stores import PostgresUrl, SqliteUrl
from tidegate.storage import moving
from tidegate.storage.postgres import PostgresStore
from tidegate.storage.sqlite import SqliteStore

TASKS = 30


@pytest.fixture
def target(postgres_url: str) -> Any:
    """A schema of its own, which is not there yet."""
    yield PostgresUrl(postgres_url, schema="moved")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS moved CASCADE")


@pytest.fixture
def source(tmp_path: Path) -> SqliteUrl:
    path = tmp_path / "tidegate.db"
    asyncio.run(_fill(path))
    (tmp_path / "tidegate.db-keys.json").write_bytes(b"ring")
    return SqliteUrl(str(path))


async def _fill(path: Path) -> None:
    store = await SqliteStore.open(path)
    bodies = [b"", b"short", b"long" * 1000]
    tasks = [task(f"{number:02}", NOON + number * SECOND, bodies[number % 3]) for number in range(TASKS)]
    stored = await made(store, *tasks)
    pull = await made(store, pull_task("leased", tag="x\\"), name=sibling("pull"))
    await store.write(lambda tx: claim(tx, stored, NOON + 2 * SECOND, 2))
    await store.write(lambda tx: tx.remove(stored, ["29"], NOON + 5 * HOUR))
    await store.write(lambda tx: tx.mark_leased(tx.leasable(pull, None, NOON, 1).tasks, NOON + HOUR, []))
    gone = await made(store, task("x"), name=sibling("gone"))
    await store.write(lambda tx: tx.delete_queue(gone, NOON + HOUR))
    await store.write(lambda tx: tx.put_document("policy", "p", b"value", NOON + HOUR))
    await store.close()


def contents(store: Store) -> Any:
    def look(reader: Reader) -> Any:
        queues = reader.queues(QUEUE.rpartition("/queues/")[0], "", 10)
        tasks = [reader.tasks(queue, "", 100, body=True) for queue in queues]
        names = [reader.entombed(queue, ["29", "28", "x"], NOON) for queue in queues]
        taken = reader.queue_name_taken(sibling("gone"), NOON)
        return (
            [(each.queue, each.id, each.key, each.flow) for each in queues],
            tasks,
            names,
            taken,
            reader.document("policy", "p", NOON),
            reader.tallies(queues),
        )

    return store.read(look)


async def test_everything_is_there_as_it_was(source: SqliteUrl, target: PostgresUrl) -> None:
    copied = await asyncio.to_thread(moving.move, source, target, lambda text: None)
    assert copied == (2, TASKS + 1)
    file = await SqliteStore.open(Path(source.path))
    await file.write(lambda tx: tx.release(0, NOON + HOUR, 100))  # as its next start would
    before = await contents(file)
    await file.close()
    async with open_store(target) as store:
        assert await contents(store) == before
        assert await store.read(lambda reader: reader.document("keys", "signing", NOON)) == b"ring"
        stored = await store.read(lambda reader: reader.queue(QUEUE))
        assert stored is not None
        first = await store.write(_started, holds={QUEUE})
        assert [each.name.task for each in first] == ["00", "01"]
        assert await store.write(lambda tx: tx.add_tasks(stored, [task("new"), task("28")])) == {"28"}


@pytest.mark.parametrize("at", ["tasks", "documents"])
async def test_a_move_that_broke_off_goes_on(
    source: SqliteUrl, target: PostgresUrl, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    monkeypatch.setattr(moving, "ROWS_AT_ONCE", 7)
    original = moving._as_there
    steps = 0

    def breaks(table: Any, rows: Any, now: int) -> Any:
        nonlocal steps
        steps += table.name == at
        if steps == (3 if at == "tasks" else 1):
            raise psycopg.OperationalError("cut")
        return original(table, rows, now)

    monkeypatch.setattr(moving, "_as_there", breaks)
    with pytest.raises(StoreError, match="run it again"):
        await asyncio.to_thread(moving.move, source, target, lambda text: None)
    with pytest.raises(StoreError, match="is not done"):
        await PostgresStore.open(target, long_ago, lambda sample: None)
    monkeypatch.setattr(moving, "_as_there", original)
    assert await asyncio.to_thread(moving.move, source, target, lambda text: None) == (2, TASKS + 1)


async def test_a_store_that_is_in_use_is_not_moved_into(source: SqliteUrl, target: PostgresUrl) -> None:
    async with open_store(target) as store:
        await made(store)
    with pytest.raises(StoreError, match="in use already"):
        await asyncio.to_thread(moving.move, source, target, lambda text: None)


async def test_a_store_that_a_server_has_open_is_not_moved(source: SqliteUrl, target: PostgresUrl) -> None:
    file = await SqliteStore.open(Path(source.path))
    with pytest.raises(StoreError, match="in use by another process"):
        await asyncio.to_thread(moving.move, source, target, lambda text: None)
    await file.close()


def _started(tx: Transaction) -> list[Task]:
    stored = tx.queue(QUEUE)
    assert stored is not None
    return claim(tx, stored, NOON + SECOND, 2)
