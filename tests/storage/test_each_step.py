"""Stores that the oldest servers of each step left: today's opens them, and an older one refuses today's.

``older/step_N.sql`` is what a real server with N steps left behind, dumped: a queue that is paused with two tasks, one
whose task failed once, a queue and a task that are deleted. A new step brings such a file, made by the server of that
step.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest
from tests.cli.serving import refused, served
from tests.snippets.claims import snippet
from tests.storage.claims import claim

from tidegate.core.names import QueueName
from tidegate.core.queue import OidcToken, State
from tidegate.core.task import HttpRequest
from tidegate.engine.ports.store import Store, StoredQueue, StoreError
from tidegate.storage.sqlite import SqliteStore, backup, check, migrations

OLDER = Path(__file__).parent / "older"
LEFT_BY = sorted(OLDER.glob("step_*.sql"), key=lambda path: int(path.stem.rpartition("_")[2]))
TODAY = sum(step.name.endswith(".sql") for step in resources.files(migrations).iterdir())
SNIPPETS = {"docs/upgrading.md text 1": "a server of this version says it of a store of the next one"}


WORK, WAITS, GONE = [QueueName.of("p", "l", name) for name in ("work", "waits", "gone")]


def left_behind(path: Path, by: Path) -> datetime:
    """Make the file that a server left; when it did."""
    text = by.read_text()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(text)
    found = re.match(r"-- Left .* at (\d+)\.", text)
    assert found is not None
    return datetime.fromtimestamp(int(found[1]), UTC)


async def queue(store: Store, name: QueueName) -> StoredQueue:
    found = await store.read(lambda tx: tx.queue(name))
    assert found is not None
    return found


def test_there_is_a_store_of_every_step() -> None:
    assert [path.name for path in LEFT_BY] == [f"step_{number}.sql" for number in range(1, TODAY + 1)]


@pytest.mark.parametrize("by", LEFT_BY, ids=lambda path: path.stem)
async def test_todays_server_has_all_that_was_left(by: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    then = left_behind(path, by)
    store = await SqliteStore.open(path)
    await store.write(lambda tx: tx.release(0, then, 100))

    waits, work = await queue(store, WAITS), await queue(store, WORK)
    assert (waits.queue.state, work.queue.state) == (State.PAUSED, State.RUNNING)
    assert work.queue.rate_limits.max_dispatches_per_second == 7
    assert await store.read(lambda tx: tx.queue(GONE)) is None
    assert await store.read(lambda tx: tx.queue_name_taken(GONE, then))
    assert await store.read(lambda tx: tx.entombed(waits, ["deleted", "later"], then)) == {"deleted"}

    later = await store.read(lambda tx: tx.task(waits, "later", body=True))
    assert later is not None
    assert later.body == b"hello"
    assert isinstance(later.target, HttpRequest)
    assert later.target.url == "https://handler.test/later"
    assert later.target.headers["X-A"] == "b"
    assert later.schedule_time > then + timedelta(days=19)
    long = await store.read(lambda tx: tx.task(waits, "long", body=True))
    assert long is not None
    assert isinstance(long.target, HttpRequest)
    assert (len(long.body), long.target.token) == (3000, OidcToken("a@b.test", "aud"))

    (failed,) = await store.write(lambda tx: claim(tx, work, then + timedelta(hours=2), 9))
    assert (failed.name.task, failed.dispatch_count) == ("failed", 2)
    await store.close()
    assert check(path) == []


def test_an_upgraded_store_is_refused_by_the_version_before_and_its_backup_is_not(tmp_path: Path) -> None:
    path, copy = tmp_path / "t.db", tmp_path / "before.db"
    left_behind(path, LEFT_BY[-1])
    backup(path, copy)
    with closing(sqlite3.connect(path)) as connection:  # as the next version will leave it
        connection.execute(f"PRAGMA user_version = {TODAY + 1}")
    said = refused("--store", f"sqlite:///{path}", directory=tmp_path)
    assert said == f"the store is from a newer tidegate (step {TODAY + 1}, this one knows {TODAY}); upgrade\n"
    assert said == snippet("docs/upgrading.md", "text")
    with served("--store", f"sqlite:///{copy}", directory=tmp_path):
        pass


async def test_what_is_refused_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    left_behind(path, LEFT_BY[-1])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {TODAY + 1}")
        before = list(connection.iterdump())
    with pytest.raises(StoreError, match="from a newer tidegate"):
        await SqliteStore.open(path)
    with closing(sqlite3.connect(path)) as connection:
        assert list(connection.iterdump()) == before
