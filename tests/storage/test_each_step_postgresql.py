"""Databases that the oldest servers of each step left: today's takes them over, and an older one refuses today's.

``older/postgresql/step_N.sql`` is what a real server with N steps left behind, by ``pg_dump --inserts``. A new step
brings such a file, made by the server of that step.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from tests.kit.postgres_server import PostgresServer, postgres_server
from tests.storage.left_behind import OLDER, assert_all_is_there, left_at, left_by_each
from tests.storage.postgres_stores import long_ago, open_store

from tidegate.engine.ports.store import StoreError
from tidegate.settings.stores import PostgresUrl
from tidegate.storage.postgres import PostgresStore
from tidegate.storage.postgres.steps import known

LEFT_BY = left_by_each(OLDER / "postgresql")


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


def left_behind(server: PostgresServer, by: Path, name: str) -> tuple[str, datetime]:
    """Make a database as a server left it: its URL, and when it did."""
    dump = by.read_text()
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    url = server.url.rpartition("/")[0] + f"/{name}"
    with psycopg.connect(url) as connection:
        connection.execute(dump)
    return url, left_at(dump)


def test_there_is_a_database_of_every_step() -> None:
    assert [path.name for path in LEFT_BY] == [f"step_{number}.sql" for number in range(1, len(known()) + 1)]


@pytest.mark.parametrize("by", LEFT_BY, ids=lambda path: path.stem)
async def test_todays_server_has_all_that_was_left(by: Path, server: PostgresServer) -> None:
    url, then = left_behind(server, by, by.stem)
    async with open_store(url) as store:
        await assert_all_is_there(store, then)


async def test_a_database_of_the_next_version_is_refused_and_left_as_it_is(server: PostgresServer) -> None:
    url, _ = left_behind(server, LEFT_BY[-1], "next")
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO tidegate.steps VALUES (%s, '9.9.9', %s)", (len(known()) + 1, datetime(2027, 1, 1, tzinfo=UTC))
        )
    before = server.run("pg_dump", "--inserts", url)

    with pytest.raises(StoreError, match=r"9\.9\.9"):
        await PostgresStore.open(PostgresUrl(url), long_ago, lambda sample: None)

    assert without_tokens(server.run("pg_dump", "--inserts", url)) == without_tokens(before)


def without_tokens(dump: str) -> list[str]:
    """The lines of a dump but those that name the run of ``pg_dump``."""
    return [line for line in dump.splitlines() if not line.startswith("\\")]
