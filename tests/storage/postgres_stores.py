"""Stores on PostgreSQL for tests, on tables that are empty."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import psycopg

from tidegate.settings.stores import DEFAULT_SCHEMA, PostgresUrl
from tidegate.storage.postgres import PostgresStore
from tidegate.storage.postgres.connecting import connect
from tidegate.storage.postgres.statements import DATA_TABLES
from tidegate.storage.postgres.steps import take


def long_ago() -> int:
    """A time of the engine before which no test has tasks: each stands in line where its schedule time says."""
    return 0


@asynccontextmanager
async def open_store(
    url: str | PostgresUrl, now: Callable[[], int] = long_ago, name: str = "test:1"
) -> AsyncIterator[PostgresStore]:
    """A store that has joined, and leaves at the end."""
    named = PostgresUrl(url) if isinstance(url, str) else url
    store = await PostgresStore.open(named, now, lambda sample: None)
    try:
        await store.membership.join(name)
        yield store
        await store.membership.leave()
    finally:
        await store.close()


def empty(url: str) -> None:
    """Delete every row but those of the steps."""
    with psycopg.connect(url, autocommit=True) as connection:
        if connection.execute("SELECT to_regclass('tidegate.steps')").fetchone() == (None,):
            return
        for table in (*DATA_TABLES, "commits", "writers", "nodes"):
            connection.execute(f"DELETE FROM tidegate.{table}")


def make_tables(url: str) -> None:
    """The tables, where there are none yet."""
    connection = connect(PostgresUrl(url))
    take(connection, DEFAULT_SCHEMA)
    connection.close()
