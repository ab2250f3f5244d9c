"""Stores that the oldest servers of each step left: today's opens them, and an older one refuses today's.

``older/step_N.sql`` is what a real server with N steps left behind, dumped. A new step brings such a file, made by the
server of that step.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime
from importlib import resources
from pathlib import Path

import pytest
from tests.cli.serving import refused, served
from tests.snippets.claims import snippet
from tests.storage.left_behind import OLDER, assert_all_is_there, left_at, left_by_each

from tidegate.engine.ports.store import StoreError
from tidegate.storage.sqlite import SqliteStore, backup, check, migrations

LEFT_BY = left_by_each(OLDER)
TODAY = sum(step.name.endswith(".sql") for step in resources.files(migrations).iterdir())
SNIPPETS = {"docs/upgrading.md text 1": "a server of this version says it of a store of the next one"}


def left_behind(path: Path, by: Path) -> datetime:
    """Make the file that a server left; when it did."""
    text = by.read_text()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(text)
    return left_at(text)


def test_there_is_a_store_of_every_step() -> None:
    assert [path.name for path in LEFT_BY] == [f"step_{number}.sql" for number in range(1, TODAY + 1)]


@pytest.mark.parametrize("by", LEFT_BY, ids=lambda path: path.stem)
async def test_todays_server_has_all_that_was_left(by: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    then = left_behind(path, by)
    store = await SqliteStore.open(path)
    await store.write(lambda tx: tx.release(0, then, 100))

    await assert_all_is_there(store, then)
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
