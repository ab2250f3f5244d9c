"""What two nodes do at the same time: claims, places and names of tasks."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
from tests.storage.claims import claim, record
from tests.storage.one_queue import HOUR, NOON, QUEUE, current, ids, listed, made, task
from tests.storage.postgres_nodes.claiming import in_flight, start
from tests.storage.postgres_nodes.waiting import until

from tidegate.engine.ports.store import Tally, Transaction, Verdict
from tidegate.storage.postgres import PostgresStore


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
