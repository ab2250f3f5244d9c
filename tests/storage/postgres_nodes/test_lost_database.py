"""A database that goes away, answers too late, or gives way to another one."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import Any

import psycopg
import pytest
from tests.kit.postgres_server import PostgresServer
from tests.storage.one_queue import NOON, QUEUE, current, ids, listed, made, task
from tests.storage.postgres_nodes.claiming import start
from tests.storage.postgres_nodes.waiting import until, until_back

from tidegate.core.task import Task
from tidegate.engine.ports.store import StoreAwayError, Tally
from tidegate.settings.stores import PostgresUrl
from tidegate.storage.postgres import PostgresStore
from tidegate.storage.postgres.connecting import connect
from tidegate.storage.postgres.link import Timelines


async def test_a_switch_over_makes_a_node_forget_what_the_new_server_may_lack(
    nodes: tuple[PostgresStore, PostgresStore],
) -> None:
    one, _ = nodes
    stored = await made(one)
    await one.write(lambda tx: tx.add_tasks(stored, [task("a")]))
    assert one.membership.switches == 0
    link = one._commits.link
    link._timelines.newest -= 1  # as before a standby was promoted
    link.cut()
    await one.write(lambda tx: tx.add_tasks(stored, [task("b")]))
    assert one.membership.switches == 1
    keys = [each.key.seq for each in await one.read(lambda tx: tx.tasks(stored, "", 10, body=False))]
    assert keys[1] // 1024 > keys[0] // 1024  # of another block of numbers


async def test_a_store_tells_how_its_database_fares(
    nodes: tuple[PostgresStore, PostgresStore], postgres_url: str
) -> None:
    one, _ = nodes
    found = await one.figures()
    assert found.dead_rows >= 0
    with psycopg.connect(postgres_url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SELECT 1 FROM tidegate.queues")
        assert (await one.figures()).oldest_snapshot > 0  # type: ignore[operator]


async def test_calls_wait_for_a_database_that_comes_back_soon(server: PostgresServer, store: PostgresStore) -> None:
    stored = await made(store, task("a"))
    server.stop(signal.SIGQUIT)
    waits = asyncio.ensure_future(store.write(lambda tx: tx.add_tasks(stored, [task("b")])))
    await asyncio.to_thread(server.start)
    with_patience = [waits]
    try:
        await waits
    except StoreAwayError:  # a slow machine: the start took longer than calls wait
        with_patience.clear()
    found = await until_back(store)
    assert found == (["a", "b"] if with_patience else ["a"])


async def test_calls_are_told_when_the_database_stays_away(server: PostgresServer, store: PostgresStore) -> None:
    stored = await made(store, task("a"))
    server.stop(signal.SIGQUIT)
    with pytest.raises(StoreAwayError):
        await store.write(lambda tx: tx.add_tasks(stored, [task("b")]))
    with pytest.raises(StoreAwayError):
        await store.read(lambda tx: tx.queue(QUEUE))
    assert store.is_away
    assert store.away_for is not None
    assert store.away_for > 0
    await asyncio.to_thread(server.start)
    assert await until_back(store) == ["a"]

    async def is_there() -> bool:
        return store.away_for is None

    await until(is_there)


@pytest.mark.parametrize("committed", [True, False])
async def test_a_commit_without_an_answer_is_found_out(store: PostgresStore, committed: bool) -> None:
    stored = await made(store)
    lose_the_answer(store, committed=committed)
    assert not await store.write(lambda tx: tx.add_tasks(stored, [task("a")]))
    assert await listed(store) == ["a"]

    async def is_counted() -> bool:  # within a second
        return await store.read(lambda tx: tx.tallies([stored])) == [Tally(1, NOON)]

    await until(is_counted)


async def test_a_claim_whose_commit_was_found_out_too_late_is_given_back(store: PostgresStore) -> None:
    await made(store, task("a"))
    lose_the_answer(store, committed=True, patience=-1.0)
    with pytest.raises(StoreAwayError):
        await store.write(lambda tx: start(tx, 1), holds={QUEUE})
    await until_back(store)
    again: list[Task] = []

    async def is_claimed_again() -> bool:
        again.extend(await store.write(lambda tx: start(tx, 1), holds={QUEUE}))
        return bool(again)

    await until(is_claimed_again)
    assert ids(again) == ["a"]
    assert (await current(store)).flow.in_flight == 1


async def test_a_warning_at_a_commit_counts_as_no_answer(store: PostgresStore) -> None:
    stored = await made(store)
    connection = store._commits.link.connection
    connection.execute(
        "CREATE FUNCTION pg_temp.warn() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE WARNING 'canceling wait for synchronous replication'; RETURN NULL; END $$"
    )
    connection.execute(
        "CREATE CONSTRAINT TRIGGER warns AFTER INSERT ON commits DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION pg_temp.warn()"
    )  # it is gone with the connection
    assert not await store.write(lambda tx: tx.add_tasks(stored, [task("a")]))
    assert store._commits.link.connection is not connection
    assert await listed(store) == ["a"]


def test_an_old_primary_is_refused_by_its_timeline(postgres_url: str) -> None:
    timelines = Timelines()
    with connect(PostgresUrl(postgres_url)) as connection:
        timelines.check(connection)
        timelines.newest += 1
        with pytest.raises(psycopg.OperationalError, match="old primary"):
            timelines.check(connection)


def lose_the_answer(store: PostgresStore, *, committed: bool, patience: float | None = None) -> None:
    """Break the connection at the next COMMIT: after the server has it, or before."""
    commits = store._commits
    link: Any = commits.link
    connection = link.connection
    execute = connection.execute

    def breaks(query: Any, *values: Any, **options: Any) -> Any:
        if b"COMMIT" not in bytes(query if isinstance(query, bytes) else query.encode()):
            return execute(query, *values, **options)
        if committed:
            execute(query, *values, **options)
        link.cut()
        if patience is not None:
            for job in store._writer._outstanding:
                job.arrived += patience - 10
            store._writer._away_since = job.arrived
            _wait_until_given_up(store)
        return execute(b"SELECT 1")

    connection.execute = breaks


def _wait_until_given_up(store: PostgresStore) -> None:
    end = time.monotonic() + 30
    while store._writer._outstanding and time.monotonic() < end:
        time.sleep(0.01)
