"""What every store promises of its transactions, and of a reset."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from msgspec.structs import replace
from tests.storage.claims import claim, record
from tests.storage.one_queue import HOUR, NOON, QUEUE, listed, made, queue, queue_of, task

from tidegate.core.names import QueueName
from tidegate.core.queue import State
from tidegate.engine.ports.store import Store, Transaction, Verdict
from tidegate.storage.postgres import PostgresStore


async def test_a_reset_forgets_everything_and_what_comes_after_is_new(store: Store) -> None:
    other = QueueName.of("p", "us-central1", "other")
    before = await made(store, task("a"), task("long", body=bytes(100_000)), task("b"))
    deleted = await made(store, name=other)

    def fill(tx: Transaction) -> None:
        tx.remove(before, ["b"], NOON + HOUR)
        tx.delete_queue(deleted, NOON + HOUR)
        tx.put_document("policy", "a", b"1")

    await store.write(fill)
    (attempt,) = await store.write(lambda tx: claim(tx, before, NOON, 1))
    await store.write(lambda tx: tx.reset())
    assert await store.read(lambda tx: tx.queue(QUEUE)) is None
    assert await store.read(lambda tx: tx.backlog()) == []
    assert not await store.read(lambda tx: tx.queue_name_taken(other, NOON))
    assert await store.read(lambda tx: tx.document("policy", "a", NOON)) is None
    after = await made(store, task("a"))
    assert after.id != before.id
    assert await store.read(lambda tx: tx.entombed(after, ["b", "long"], NOON)) == set()
    late = Verdict(attempt, None)
    assert await store.write(lambda tx: record(tx, after, [late], NOON + HOUR)) == [late]
    assert await listed(store) == ["a"]


async def test_a_transaction_that_raises_changes_nothing(store: Store) -> None:
    stored = await made(store, task("a"))

    def work(tx: Transaction) -> None:
        tx.remove(stored, ["a"], NOON)
        tx.put_document("policy", "a", b"1")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await store.write(work)
    assert await listed(store) == ["a"]
    assert await store.read(lambda tx: tx.document("policy", "a", NOON)) is None


async def test_a_transaction_sees_its_queue_as_the_others_left_it(store: Store) -> None:
    stored = await made(store)
    paused = queue(state=State.PAUSED)
    busy = replace(stored.flow, in_flight=3)
    purged = queue(purge_time=NOON)

    def fails(tx: Transaction) -> None:
        there = queue_of(tx)
        tx.save_flows([(there, replace(there.flow, in_flight=99))])
        assert queue_of(tx).flow.in_flight == 99
        tx.save_queue(there, queue(state=State.DISABLED))
        raise ValueError

    changes: list[Callable[[Transaction], Any]] = [
        lambda tx: tx.save_flows([(queue_of(tx), busy)]),
        lambda tx: tx.save_queue(stored, paused),
        fails,
        lambda tx: tx.purge(queue_of(tx), purged, NOON),
        lambda tx: tx.release(0, NOON, 100),
        lambda tx: tx.delete_queue(queue_of(tx), NOON),
        lambda tx: tx.add_queue(paused, busy),
        lambda tx: tx.reset(),
    ]
    seen = []
    for change in changes:
        with suppress(ValueError):
            await store.write(change)
        within = await store.write(lambda tx: tx.queue(QUEUE))
        assert within == await store.read(lambda tx: tx.queue(QUEUE))
        seen.append(None if within is None else (within.queue, within.flow.in_flight))
    left = 3 if isinstance(store, PostgresStore) else 0  # where several nodes write, the attempts are this node's
    assert seen == [(queue(), 3), (paused, 3), (paused, 3), (purged, 3), (purged, left), None, (paused, 3), None]
