"""What the sweep takes from every store: tasks past their time, and those leased too often."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace
from tests.storage.claims import clear_away
from tests.storage.one_queue import HOUR, NOON, SECOND, ids, leased, listed, made, pull_task, queue_of, tallied, task

from tidegate.core.names import QueueName
from tidegate.core.queue import RetryConfig
from tidegate.engine.ports.store import Store, Tally, Transaction


async def test_the_sweep_removes_tasks_past_their_time_to_live(store: Store) -> None:
    stored = await made(store, task("old"), task("young", created=NOON + timedelta(days=2)))
    later = NOON + timedelta(days=31)
    await clear_away(store, later, 1)
    assert await listed(store) == ["young"]
    assert await store.read(lambda tx: tx.entombed(stored, ["old", "young"], later)) == {"old"}


async def test_tasks_that_were_leased_too_often_are_counted_out(store: Store) -> None:
    await made(store, pull_task("a"), pull_task("b"))
    await allow(store, leases=1)
    assert ids(await leased(store, limit=1, until=NOON + SECOND)) == ["a"]
    assert await tallied(store) == Tally(2, NOON)
    assert ids(await leased(store, now=NOON + SECOND, until=NOON + HOUR)) == ["b"]
    assert await tallied(store) == Tally(1, NOON + HOUR)


async def test_the_sweep_removes_tasks_whose_last_lease_has_run_out(store: Store) -> None:
    stored = await made(store, pull_task("last", body=b"x" * 5000), pull_task("waits", NOON + HOUR))
    await made(store, pull_task("last"), name=QueueName.of("p", "us-central1", "other"))
    await allow(store, leases=2)
    await leased(store, until=NOON + SECOND)
    await sweep(store, NOON + SECOND)
    assert await listed(store) == ["last", "waits"]
    await leased(store, now=NOON + SECOND, until=NOON + 2 * SECOND)
    await sweep(store, NOON + 2 * SECOND - timedelta(microseconds=1))
    assert await listed(store) == ["last", "waits"]
    await sweep(store, NOON + 2 * SECOND)
    assert await listed(store) == ["waits"]
    assert await store.read(lambda tx: tx.entombed(stored, ["last", "waits"], NOON + 2 * SECOND)) == {"last"}
    assert await tallied(store) == Tally(1, NOON + HOUR)


async def test_the_sweep_leaves_a_task_that_may_be_leased_more_often_by_now(store: Store) -> None:
    await made(store, pull_task("a"))
    await allow(store, leases=1)
    await leased(store, until=NOON + SECOND)
    await allow(store, leases=2)
    await sweep(store, NOON + SECOND)
    assert ids(await leased(store, now=NOON + SECOND, until=NOON + 2 * SECOND)) == ["a"]
    await sweep(store, NOON + 2 * SECOND)
    assert await listed(store) == []


async def allow(store: Store, *, leases: int) -> None:
    """Let tasks of the queue be leased so often."""

    def work(tx: Transaction) -> None:
        stored = queue_of(tx)
        tx.save_queue(stored, replace(stored.queue, retry_config=RetryConfig(max_attempts=leases)))

    await store.write(work)


async def sweep(store: Store, now: datetime) -> None:
    await clear_away(store, now, 1)
