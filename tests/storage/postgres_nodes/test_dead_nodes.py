"""Nodes that are fenced, that leave, and what they had under way."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial

import psycopg
import pytest
from msgspec.structs import replace
from tests.storage.claims import clear_away, record
from tests.storage.one_queue import HOUR, NOON, QUEUE, current, ids, listed, made, task
from tests.storage.postgres_nodes.claiming import start
from tests.storage.postgres_stores import empty, open_store

from tidegate.engine.ports.membership import Member
from tidegate.engine.ports.store import FencedError, StoredQueue, Tally, Transaction, Verdict
from tidegate.storage.postgres import PostgresStore
from tidegate.storage.postgres.rings import AHEAD, LONG, RINGS, SLOT, ring_of, spent_ring

SECOND = timedelta(seconds=1)

WAITS = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'tidegate fence' AND wait_event_type = 'Lock'"


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


def test_a_tombstone_lies_in_the_ring_of_its_six_hours_unless_it_stays_longer() -> None:
    now = 1000 * SLOT + SLOT // 2
    assert [ring_of(now + slots * SLOT, now) for slots in range(AHEAD + 2)] == [
        *((1000 + slots) % RINGS for slots in range(AHEAD + 1)),
        LONG,
    ]
    in_use = {ring_of(now + slots * SLOT, now) for slots in range(AHEAD + 1)}
    ahead = {ring_of(now + SLOT + slots * SLOT, now + SLOT) for slots in range(AHEAD + 1)}  # a clock six hours ahead
    assert spent_ring(now) not in in_use | ahead
