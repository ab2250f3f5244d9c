"""How every store counts tasks: all of a queue, and those that wait."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.storage.claims import claim, clear_away, record
from tests.storage.one_queue import HOUR, NOON, SECOND, current, leased, made, pull_task, queue, tallied, task

from tidegate.core.names import QueueName
from tidegate.core.queue import Kind
from tidegate.core.queue_numbers import WaitingCounts
from tidegate.engine.ports.store import Store, Tally, Verdict


async def test_tasks_are_counted_as_they_come_and_go(store: Store) -> None:
    stored = await made(store, *[task(f"{n:03}", NOON + n * SECOND) for n in range(100)])
    assert await tallied(store) == Tally(100, NOON)
    claimed = await store.write(lambda tx: claim(tx, stored, NOON + HOUR, 10))
    assert await tallied(store) == Tally(100, NOON + 10 * SECOND)
    verdicts = [Verdict(each, each if n % 2 else None) for n, each in enumerate(claimed)]
    await store.write(lambda tx: record(tx, stored, verdicts, NOON + HOUR))
    assert (await tallied(store)).tasks == 95
    await store.write(lambda tx: record(tx, stored, verdicts, NOON + HOUR))  # too late: nothing of it is there
    assert (await tallied(store)).tasks == 95
    await store.write(lambda tx: tx.remove(stored, ["050", "050", "000", "none"], NOON + HOUR))
    assert (await tallied(store)).tasks == 94
    await store.write(lambda tx: tx.purge(stored, stored.queue, NOON + HOUR))
    assert await tallied(store) == Tally(0, None)
    anew = await current(store)
    await store.write(lambda tx: tx.add_tasks(anew, [task("new", NOON + HOUR)]))
    await clear_away(store, NOON, 7)
    assert await tallied(store) == Tally(1, NOON + HOUR)
    await clear_away(store, NOON + timedelta(days=31), 7)  # past its time to live
    assert await tallied(store) == Tally(0, None)


async def test_each_queue_is_tallied_in_the_order_of_the_question_and_may_be_asked_about_twice(store: Store) -> None:
    names = [QueueName.of("p", "us-central1", name) for name in ("a", "b", "c")]
    one, two, three = [
        await made(store, *[task(f"{n}") for n in range(many)], name=name) for many, name in enumerate(names)
    ]
    tallies = await store.read(lambda tx: tx.tallies([three, one, two, three]))
    assert [tally.tasks for tally in tallies] == [2, 0, 1, 2]
    assert await store.read(lambda tx: tx.tallies([])) == []


async def counted(store: Store, now: datetime, most: int) -> WaitingCounts:
    stored = await current(store)
    (counts,) = await store.read(lambda tx: tx.waiting_counts([stored], now, most))
    return counts


async def test_waiting_tasks_are_counted_by_whether_they_are_due_up_to_a_most(store: Store) -> None:
    stored = await made(store, *[task(f"{n:03}", NOON + n * SECOND) for n in range(10)])
    assert await counted(store, NOON + 3 * SECOND, 100) == WaitingCounts(due=4, later=6)
    assert await counted(store, NOON + 3 * SECOND, 5) == WaitingCounts(due=4, later=5)
    await store.write(lambda tx: claim(tx, stored, NOON, 1))
    assert await counted(store, NOON + 3 * SECOND, 100) == WaitingCounts(due=3, later=6)


async def test_leased_tasks_are_counted_apart(store: Store) -> None:
    stored = await made(store, *[pull_task(f"{n}", NOON if n < 4 else NOON + HOUR) for n in range(6)])
    await store.write(lambda tx: tx.save_queue(stored, queue(kind=Kind.PULL)))
    await leased(store, limit=3)
    assert await counted(store, NOON, 100) == WaitingCounts(due=1, later=2, leased=3)
