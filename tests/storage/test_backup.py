"""A copy of a store made while it is written to: whole, of one moment, for its owner alone, and never half there."""

from __future__ import annotations

import asyncio
import shutil
import stat
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import apsw
import pytest
from tests.storage.test_older_stores import left_behind

from tidegate.engine.ports.store import StoreError
from tidegate.storage.sqlite import SqliteStore, backup, backups, check

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = await SqliteStore.open(tmp_path / "t.db")
    for number in range(20):
        await put(store, number)
    yield store
    await store.close()


async def put(store: SqliteStore, number: int) -> None:
    await store.write(lambda tx: tx.put_document("policy", f"{number:03}", bytes(20_000), None))


def documents(path: Path) -> list[str]:
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM documents ORDER BY name")]


async def test_what_is_written_while_it_is_made_is_not_in_it_and_does_not_disturb_it(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, steps = asyncio.get_running_loop(), 0

    def write(left: int, total: int) -> None:  # a commit after each page
        nonlocal steps
        steps += 1
        asyncio.run_coroutine_threadsafe(put(store, 100 + steps), loop).result(60)

    monkeypatch.setattr(backups, "PAGES_AT_ONCE", 1)
    done = await asyncio.to_thread(backup, tmp_path / "t.db", tmp_path / "copy.db", write)

    assert steps > 100
    assert documents(tmp_path / "copy.db") == [f"{number:03}" for number in range(20)]
    assert (done.queues, done.tasks, done.keys) == (0, 0, False)
    assert len(documents(tmp_path / "t.db")) == 20 + steps


async def test_it_is_one_sound_file_that_its_owner_alone_can_read(store: SqliteStore, tmp_path: Path) -> None:
    place = tmp_path / "backups"
    place.mkdir()
    (tmp_path / "t.db-keys.json").write_text("{}")
    done = backup(tmp_path / "t.db", place / "copy.db")
    assert done.keys
    assert done.size == (place / "copy.db").stat().st_size
    assert {file.name: stat.S_IMODE(file.stat().st_mode) for file in place.iterdir()} == {
        "copy.db": 0o600,
        "copy.db-keys.json": 0o600,
    }
    assert check(place / "copy.db") == []
    assert len(list(place.iterdir())) == 2  # looking at it leaves nothing either


async def test_a_restored_store_opens_with_all_it_had(store: SqliteStore, tmp_path: Path) -> None:
    backup(tmp_path / "t.db", tmp_path / "copy.db")
    restored = await SqliteStore.open(tmp_path / "copy.db")
    assert await restored.read(lambda tx: tx.document("policy", "007", NOON)) == bytes(20_000)
    await restored.close()


def test_a_store_of_an_older_version_is_copied_as_it_is(tmp_path: Path) -> None:
    left_behind(tmp_path / "t.db")
    done = backup(tmp_path / "t.db", tmp_path / "copy.db")
    assert (done.queues, done.tasks) == (2, 7)
    with closing(apsw.Connection(str(tmp_path / "copy.db"))) as copy:
        assert copy.pragma("user_version") == 5


@pytest.mark.parametrize(
    ("there", "says"),
    [
        ("copy.db", "copy.db is there already"),
        ("copy.db-keys.json", "copy.db-keys.json is there already"),
        ("copy.db.partial", "copy.db.partial is there: another backup is at work"),
    ],
)
async def test_nothing_is_overwritten(store: SqliteStore, there: str, says: str, tmp_path: Path) -> None:
    place = tmp_path / "backups"
    place.mkdir()
    (place / there).write_text("old")
    with pytest.raises(StoreError, match=says):
        backup(tmp_path / "t.db", place / "copy.db")
    assert [(file.name, file.read_text()) for file in place.iterdir()] == [(there, "old")]


async def test_a_link_that_leads_nowhere_is_not_followed(store: SqliteStore, tmp_path: Path) -> None:
    (tmp_path / "copy.db").symlink_to(tmp_path / "elsewhere.db")
    with pytest.raises(StoreError, match="is there already"):
        backup(tmp_path / "t.db", tmp_path / "copy.db")
    assert not (tmp_path / "elsewhere.db").exists()


async def test_a_disk_without_room_is_refused_before_anything_is_copied(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=1 << 12))
    with pytest.raises(StoreError, match=r"takes 0 MB, and .* has 0 MB free: name another disk"):
        backup(tmp_path / "t.db", tmp_path / "copy.db")
    assert "copy" not in {file.name.partition(".")[0] for file in tmp_path.iterdir()}  # noqa: ASYNC240


async def test_a_damaged_store_has_no_backup(store: SqliteStore, tmp_path: Path) -> None:
    await store.close()
    pages = bytearray((tmp_path / "t.db").read_bytes())
    middle = len(pages) // 2 // 4096 * 4096
    pages[middle : middle + 4096] = b"\xff" * 4096
    (tmp_path / "t.db").write_bytes(pages)
    with pytest.raises(StoreError, match="is damaged, as the store is"):
        backup(tmp_path / "t.db", tmp_path / "copy.db")
    assert "copy" not in {file.name.partition(".")[0] for file in tmp_path.iterdir()}  # noqa: ASYNC240
