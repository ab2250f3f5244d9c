"""What a store on PostgreSQL asks of its server, who takes its steps, and what a serving role may do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from tests.kit.postgres_server import PostgresServer, postgres_server
from tests.storage.claims import claim, clear_away, record
from tests.storage.one_queue import HOUR, NOON, listed, made, queue, task
from tests.storage.postgres_stores import long_ago, open_store

from tidegate import __version__
from tidegate.engine.ports.store import FencedError, StoreError, Verdict
from tidegate.settings.stores import PostgresUrl
from tidegate.storage.postgres import PostgresStore, steps
from tidegate.storage.postgres.migrating import migrate
from tidegate.storage.postgres.steps import known


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server whose settings a test may change."""
    with postgres_server() as server:
        yield server


async def refusal(url: str) -> str:
    with pytest.raises(StoreError) as error:
        await PostgresStore.open(PostgresUrl(url), long_ago, lambda sample: None)
    return str(error.value)


@contextmanager
def setting(server: PostgresServer, name: str, value: str) -> Iterator[None]:
    """A setting of the server that holds after a restart."""
    server.configure({name: value})
    server.stop()
    server.start()
    yield
    server.configure({name: "on"})
    server.stop()
    server.start()


@pytest.mark.parametrize("name", ["fsync", "full_page_writes"])
async def test_a_server_that_a_crash_may_damage_is_refused_with_the_cure(server: PostgresServer, name: str) -> None:
    with setting(server, name, "off"):
        assert f"{name} is off in PostgreSQL" in await refusal(server.url)


async def test_commits_wait_for_the_disk_where_the_server_would_not(
    server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    with setting(server, "synchronous_commit", "off"):
        async with open_store(server.url) as store:
            found = store._commits.link.connection.execute("SHOW synchronous_commit").fetchone()
        assert found == ("on",)
        assert "synchronous_commit is off" in caplog.text
        with pytest.raises(StoreError, match="ALTER ROLE"):
            await PostgresStore.open(PostgresUrl(server.url, prepare=False), long_ago, lambda sample: None)


async def test_a_database_that_is_not_in_utf8_is_refused(server: PostgresServer) -> None:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'")
    assert "ENCODING 'UTF8'" in await refusal(server.url.removesuffix("postgres") + "latin")


async def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    said = await refusal("postgresql://me:s3cret@127.0.0.1:1/tasks")
    assert "cannot reach the store postgresql://me:***@127.0.0.1:1/tasks" in said
    assert "s3cret" not in said


async def test_steps_are_taken_once_however_many_come_at_the_same_time(server: PostgresServer) -> None:
    url = PostgresUrl(server.url, schema="crowd")
    taken = await asyncio.gather(*[asyncio.to_thread(migrate, url) for _ in range(6)])
    assert sum(taken) == len(known())


class Crowded:
    """A connection whose first table somebody else makes at the same moment."""

    def __init__(self, error: psycopg.Error) -> None:
        self.errors = [error]
        self.made = 0

    def execute(self, statement: Any, values: object = None) -> Crowded:
        if "CREATE TABLE" in str(statement):
            if self.errors:
                raise self.errors.pop()
            self.made += 1
        return self

    def fetchone(self) -> tuple[bool]:
        return (True,)


@pytest.mark.parametrize("error", [psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation])
def test_who_meets_another_one_in_the_catalogue_goes_on(error: type[psycopg.Error]) -> None:
    crowded: Any = Crowded(error("type steps already exists"))
    steps._make_schema(crowded, "crowd")
    assert crowded.made == 1


async def test_a_store_of_a_newer_version_is_refused(server: PostgresServer) -> None:
    url = PostgresUrl(server.url, schema="newer")
    migrate(url)
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("INSERT INTO newer.steps (n, oldest) VALUES (99, '9.0')")
    with pytest.raises(StoreError, match=r"from a newer tidegate .* needs 9\.0 or later"):
        await PostgresStore.open(url, long_ago, lambda sample: None)


async def test_a_node_goes_on_beside_newer_tables_for_as_long_as_they_say_so(server: PostgresServer) -> None:
    url = PostgresUrl(server.url, schema="rolling")
    migrate(url)
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("INSERT INTO rolling.steps (n, oldest) VALUES (99, %s)", (__version__,))
        async with open_store(url) as store:
            assert len(await store.membership.beat()) == 1
            connection.execute("INSERT INTO rolling.steps (n, oldest) VALUES (100, '9.0')")
            with pytest.raises(FencedError, match=r"need tidegate 9\.0 or later"):
                await store.membership.beat()
            assert store.away_for is not None
            with pytest.raises(FencedError, match="upgrade"):
                await store.membership.join("test:1")
            connection.execute("DELETE FROM rolling.steps WHERE n = 100")
            await store.membership.beat()
            assert store.away_for is None


GRANTS = """
GRANT USAGE ON SCHEMA roles TO serving;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA roles TO serving;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA roles TO serving;
GRANT TRUNCATE ON roles.tombstones_0, roles.tombstones_1, roles.tombstones_2, roles.tombstones_3,
  roles.tombstones_4, roles.tombstones_5 TO serving;
"""


async def test_a_serving_role_does_all_work_and_changes_no_table(server: PostgresServer) -> None:
    with psycopg.connect(server.url, autocommit=True) as owner:
        owner.execute("CREATE ROLE serving LOGIN")
        serving = PostgresUrl(server.url.replace("postgres@", "serving@"), schema="roles")
        with pytest.raises(StoreError, match="run 'tidegate migrate"):
            await PostgresStore.open(serving, long_ago, lambda sample: None)
        migrate(PostgresUrl(server.url, schema="roles"))
        owner.execute(GRANTS)
        async with open_store(serving, now=lambda: 1_000_000_000_000_000) as store:
            stored = await made(store, task("a"), task("b"))
            owner.execute("INSERT INTO roles.tombstones SELECT ring, 1, 'x', 0 FROM generate_series(0, 5) ring")
            (first,) = await store.write(lambda tx: claim(tx, stored, NOON, 1))
            await store.write(lambda tx: record(tx, stored, [Verdict(first, None)], NOON + HOUR))
            await store.write(lambda tx: tx.purge(stored, queue(), NOON + HOUR))
            await clear_away(store, NOON, 10)
            await store.membership.beat()
            assert await listed(store) == []
        counted = owner.execute("SELECT count(*) FROM roles.tombstones WHERE id = 'x'").fetchone()
        assert counted == (5,)  # the spent ring was emptied
    with psycopg.connect(serving.conninfo) as connection:
        for statement in ("DROP TABLE roles.tasks", "CREATE TABLE roles.mine ()", "TRUNCATE roles.tasks"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
            connection.rollback()
