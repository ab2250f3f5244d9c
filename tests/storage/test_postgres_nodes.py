"""Several nodes on one PostgreSQL: who may write, who holds what, what becomes of the dead and of lost answers."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace
from tests.kit.postgres_server import PostgresServer, postgres_server
from tests.storage.claims import claim, clear_away, record
from tests.storage.one_queue import HOUR, NOON, QUEUE, current, ids, listed, made, task
from tests.storage.postgres_stores import empty, open_store

from tidegate.core.task import Task
from tidegate.core.times import micros
from tidegate.engine.ports.membership import Member
from tidegate.engine.ports.store import FencedError, Store, StoreAwayError, StoredQueue, Tally, Transaction, Verdict
from tidegate.settings.stores import PostgresUrl
from tidegate.storage.postgres import PostgresStore
from tidegate.storage.postgres.connecting import connect
from tidegate.storage.postgres.link import Timelines
from tidegate.storage.postgres.rings import AHEAD, LONG, RINGS, SLOT, ring_of, spent_ring

SECOND = timedelta(seconds=1)

WAITS = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'tidegate fence' AND wait_event_type = 'Lock'"


@pytest.fixture
async def nodes(postgres_url: str) -> AsyncIterator[tuple[PostgresStore, PostgresStore]]:
    """Two nodes with one store."""
    empty(postgres_url)
    async with open_store(postgres_url, name="a:1") as one, open_store(postgres_url, name="b:1") as other:
        yield one, other


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server that a test may stop."""
    with postgres_server() as server:
        yield server


@pytest.fixture
async def store(server: PostgresServer) -> AsyncIterator[PostgresStore]:
    empty(server.url)
    async with open_store(server.url, now=lambda: micros(NOON)) as store:
        yield store


async def test_what_one_node_writes_the_other_sees(nodes: tuple[PostgresStore, PostgresStore]) -> None:
    one, other = nodes
    stored = await made(one, task("a"))
    await other.write(lambda tx: tx.add_tasks(stored, [task("b")]))
    assert await listed(one) == await listed(other) == ["a", "b"]


async def test_two_nodes_never_claim_the_same_task(nodes: tuple[PostgresStore, PostgresStore]) -> None:
    stored = await made(nodes[0], *[task(f"{number:02}") for number in range(60)])

    async def claims(store: PostgresStore) -> list[str]:
        found: list[str] = []
        while len(found) < 60:
            got = await store.write(lambda tx: _claim(tx, 7), holds={QUEUE})
            if got == []:
                return found
            found += got or ()
        return found

    def _claim(tx: Transaction, limit: int) -> list[str] | None:
        return ids(claim(tx, stored, NOON, limit)) if tx.held(QUEUE) else None

    first, second = await asyncio.gather(claims(nodes[0]), claims(nodes[1]))
    assert sorted(first + second) == [f"{number:02}" for number in range(60)]


async def test_the_attempts_of_all_nodes_count_against_the_limits_of_a_queue(
    nodes: tuple[PostgresStore, PostgresStore],
) -> None:
    stored = await made(nodes[0], *[task(f"{number}") for number in range(6)])
    first = await nodes[0].write(lambda tx: start(tx, 2), holds={QUEUE})
    await nodes[1].write(lambda tx: start(tx, 3), holds={QUEUE})
    assert (await current(nodes[0])).flow.in_flight == 5
    await nodes[0].write(lambda tx: record(tx, stored, [Verdict(each, None) for each in first], NOON + HOUR))
    # The places are seen to be free with the node's next claim at the latest.
    assert await nodes[0].write(in_flight, holds={QUEUE}) == 3
    await nodes[0].write(lambda tx: start(tx, 1), holds={QUEUE})
    assert (await current(nodes[1])).flow.in_flight == 4


async def test_places_that_no_claim_takes_along_are_given_back_within_a_second(
    nodes: tuple[PostgresStore, PostgresStore],
) -> None:
    stored = await made(nodes[0], task("a"))
    (started,) = await nodes[0].write(lambda tx: start(tx, 1), holds={QUEUE})
    await nodes[0].write(lambda tx: record(tx, stored, [Verdict(started, None)], NOON + HOUR))

    async def is_published() -> bool:
        tallies = await nodes[1].read(lambda tx: tx.tallies([stored]))
        return not (await current(nodes[1])).flow.in_flight and tallies == [Tally(0, None)]

    await until(is_published)


async def test_a_name_that_two_nodes_give_at_the_same_time_is_given_once(
    nodes: tuple[PostgresStore, PostgresStore],
) -> None:
    stored = await made(nodes[0])
    taken = await asyncio.gather(
        *[store.write(lambda tx: tx.add_tasks(stored, [task("a"), task("b")])) for store in nodes]
    )
    assert sorted(map(sorted, taken)) == [[], ["a", "b"]]
    assert await listed(nodes[0]) == ["a", "b"]


async def test_a_name_that_another_node_ended_after_the_first_look_is_not_given_again(
    nodes: tuple[PostgresStore, PostgresStore],
) -> None:
    one, other = nodes
    stored = await made(one, task("a"))

    def late(tx: Any) -> Any:
        tx._asked[stored.id].add("a")  # it was asked about when it still was there
        return tx.add_tasks(stored, [task("a")])

    await other.write(lambda tx: tx.remove(stored, ["a"], NOON + HOUR))
    assert set(await one.write(late)) == {"a"}
    assert await listed(one) == []


async def test_a_queue_that_another_transaction_holds_is_not_waited_for(
    nodes: tuple[PostgresStore, PostgresStore], postgres_url: str
) -> None:
    stored = await made(nodes[0], task("a"))
    with psycopg.connect(postgres_url) as administrator:
        administrator.execute("SELECT 1 FROM tidegate.queues FOR UPDATE")
        assert await nodes[0].write(lambda tx: tx.held(QUEUE), holds={QUEUE}) is False
        waits = asyncio.ensure_future(nodes[0].write(lambda tx: tx.save_queue(stored, stored.queue), changes={QUEUE}))
        await nodes[0].write(lambda tx: tx.add_tasks(stored, [task("b")]))  # nobody waits behind it
        assert not waits.done()
    await waits


async def test_a_node_that_was_fenced_writes_nothing(nodes: tuple[PostgresStore, PostgresStore]) -> None:
    one, other = nodes
    stored = await made(one, task("a"))
    members = await other.membership.beat()
    first, _ = members
    assert not await other.membership.fence(Member(first.node, first.beats + 1))
    await one.write(lambda tx: tx.add_tasks(stored, [task("b")]))
    assert await other.membership.fence(first)
    with pytest.raises(FencedError):
        await one.write(lambda tx: tx.add_tasks(stored, [task("c")]))
    with pytest.raises(FencedError):
        await one.membership.beat()
    assert await listed(other) == ["a", "b"]
    assert [member.fenced for member in await other.membership.beat()] == [True, False]
    await one.membership.join("a:1")
    await one.write(lambda tx: tx.add_tasks(stored, [task("c")]))


async def test_a_fence_waits_for_a_transaction_that_is_under_way_and_beats_do_not(
    nodes: tuple[PostgresStore, PostgresStore], postgres_url: str
) -> None:
    one, two = nodes
    members = await one.membership.beat()
    other = next(member for member in members if member.node == two.membership._node)
    with psycopg.connect(postgres_url) as connection, psycopg.connect(postgres_url, autocommit=True) as watching:
        connection.execute("SELECT 1 FROM tidegate.writers WHERE node = %s FOR NO KEY UPDATE", (other.node,))
        fencing = asyncio.ensure_future(one.membership.fence(other))
        while watching.execute(WAITS).fetchone() is None:  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.01)
        await one.membership.beat()
        assert not fencing.done()
        connection.commit()
        assert await fencing


async def test_what_a_dead_node_did_not_count_is_counted_anew(nodes: tuple[PostgresStore, PostgresStore]) -> None:
    one, two = nodes
    stored = await made(one)
    await one.write(lambda tx: tx.add_tasks(stored, [task("a"), task("b")]))
    await two.write(lambda tx: tx.add_tasks(stored, [task("c")]))
    await one._publish()
    await two._publish()
    two._ledger.counts[stored.key] -= 5  # as one that was killed before it could add them
    await two._publish()
    assert (await tally(one)).tasks == 0
    assert await one.membership.fence(await seen(one, two))
    assert not (await one.write(lambda tx: tx.release(two.membership._node, NOON, 100))).left
    await clear_away(one, NOON, 100)
    assert (await tally(one)).tasks == 3


async def test_who_leaves_in_order_leaves_its_counts(postgres_url: str) -> None:
    empty(postgres_url)
    for task_id in "ab":
        async with open_store(postgres_url) as store:
            stored = await current(store) if task_id == "b" else await made(store)
            await store.write(partial(_add, stored, task_id))
            await store.write(partial(_release, store.membership._node))
    async with open_store(postgres_url) as store:
        assert (await tally(store)).tasks == 2
        with psycopg.connect(postgres_url) as connection:
            assert connection.execute("SELECT node, tasks FROM tidegate.counts").fetchall() == [(0, 2)]


def _add(stored: StoredQueue, task_id: str, tx: Transaction) -> None:
    tx.add_tasks(stored, [task(task_id)])


def _release(node: int, tx: Transaction) -> None:
    tx.release(node, NOON, 100)


async def tally(store: PostgresStore) -> Tally:
    stored = await current(store)
    (found,) = await store.read(lambda tx: tx.tallies([stored]))
    return found


async def seen(store: PostgresStore, other: PostgresStore) -> Member:
    return next(member for member in await store.membership.beat() if member.node == other.membership._node)


async def test_what_is_marked_as_under_way_on_a_node_can_be_let_go_by_its_attempt(
    nodes: tuple[PostgresStore, PostgresStore],
) -> None:
    one, two = nodes
    stored = await made(one)
    await one.write(lambda tx: tx.add_tasks(stored, [task("a"), task("b")]))
    assert ids(await one.write(lambda tx: start(tx, 10), holds={QUEUE})) == ["a", "b"]
    marks = await one.write(lambda tx: tx.marked(one.membership._node, 10))
    assert [mark.attempt for mark in marks] == [1, 1]
    assert await two.write(lambda tx: tx.marked(two.membership._node, 10)) == []
    assert await two.write(lambda tx: tx.release_marked(marks, NOON)) == 0  # another node's
    later = [replace(mark, attempt=2) for mark in marks]
    assert await one.write(lambda tx: tx.release_marked(later, NOON)) == 0
    assert await one.write(lambda tx: tx.release_marked(marks[:1], NOON)) == 1
    assert ids(await two.write(lambda tx: start(tx, 10), holds={QUEUE})) == ["a"]


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


async def test_what_a_dead_node_had_under_way_is_due_again(nodes: tuple[PostgresStore, PostgresStore]) -> None:
    one, other = nodes
    await made(one, *[task(name, NOON - SECOND) for name in ("a", "b", "c")])
    mine = await one.write(lambda tx: start(tx, 2), holds={QUEUE})
    theirs = await other.write(lambda tx: start(tx, 1), holds={QUEUE})
    dead, _ = await other.membership.beat()
    assert await other.membership.fence(dead)
    assert (await other.write(lambda tx: tx.release(dead.node, NOON, 1))).left  # a task at a time
    while (await other.write(lambda tx: tx.release(dead.node, NOON, 1))).left:
        pass
    assert [member.node for member in await other.membership.beat()] != [dead.node]
    assert (await current(other)).flow.in_flight == 1
    again = await other.write(lambda tx: start(tx, 5), holds={QUEUE})
    assert ids(again) == ids(mine)
    assert [each.dispatch_count for each in again] == [2, 2]
    stored = await current(other)
    stale = [Verdict(each, None) for each in mine]
    assert await other.write(lambda tx: record(tx, stored, stale, NOON + HOUR)) == stale
    done = [Verdict(each, None) for each in [*theirs, *again]]
    assert await other.write(lambda tx: record(tx, stored, done, NOON + HOUR)) == []


async def test_who_starts_under_a_name_ends_its_namesakes(nodes: tuple[PostgresStore, PostgresStore]) -> None:
    one, other = nodes
    first, second = await one.membership.beat()
    joined = await other.membership.join("a:1")
    assert joined.succeeds == [first.node]
    assert joined.node not in {first.node, second.node}
    with pytest.raises(FencedError):
        await one.write(lambda tx: tx.put_document("k", "n", b""))


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


def test_a_tombstone_lies_in_the_ring_of_its_six_hours_unless_it_stays_longer() -> None:
    now = 1000 * SLOT + SLOT // 2
    assert [ring_of(now + slots * SLOT, now) for slots in range(AHEAD + 2)] == [
        *((1000 + slots) % RINGS for slots in range(AHEAD + 1)),
        LONG,
    ]
    in_use = {ring_of(now + slots * SLOT, now) for slots in range(AHEAD + 1)}
    ahead = {ring_of(now + SLOT + slots * SLOT, now + SLOT) for slots in range(AHEAD + 1)}  # a clock six hours ahead
    assert spent_ring(now) not in in_use | ahead


def start(tx: Transaction, limit: int) -> list[Task]:
    """Claim as the engine does, places and all."""
    stored = tx.queue(QUEUE)
    assert stored is not None
    if not tx.held(QUEUE):
        return []
    tasks = claim(tx, stored, NOON, limit)
    _, flow = stored.flow.grant(len(tasks), stored.queue.rate_limits, NOON)
    tx.save_flows([(stored, flow)])
    return tasks


def in_flight(tx: Transaction) -> int:
    stored = tx.queue(QUEUE)
    assert stored is not None
    return stored.flow.in_flight


async def until(happened: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await happened():  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.02)


async def until_back(store: Store) -> list[str]:
    """What is listed once the database is there again."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await listed(store)
            except StoreAwayError:
                await asyncio.sleep(0.05)


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
