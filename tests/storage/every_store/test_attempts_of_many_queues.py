"""Attempts of many queues that start and end together, in every store."""

from __future__ import annotations

from datetime import datetime

from tests.storage.claims import force
from tests.storage.one_queue import HOUR, NOON, SECOND, ids, made, sibling, task

from tidegate.core.task import Task
from tidegate.engine.ports.store import EndedAttempts, Store, StoredQueue, Tally, Transaction, Verdict


async def claimed_of_three(store: Store) -> tuple[list[StoredQueue], list[list[Task]]]:
    """Three queues with the tasks a, b and c each, of which a and b were claimed."""
    queues = [await made(store, task("a"), task("b"), task("c"), name=sibling(name)) for name in ("x", "y", "z")]

    def claims(tx: Transaction) -> list[list[Task]]:
        found = tx.due_tasks([(stored, 2) for stored in queues], NOON)
        started = [[task.dispatched(NOON) for task in due.tasks] for due in found]
        tx.mark_dispatched([each for tasks in started for each in tasks], NOON)
        return started

    return queues, await store.write(claims)


async def left_in(store: Store, stored: StoredQueue) -> list[str]:
    return ids(await store.read(lambda tx: tx.tasks(stored, "", 100, body=False)))


async def entombed(store: Store, stored: StoredQueue, at: datetime) -> set[str]:
    return await store.read(lambda tx: tx.entombed(stored, ["a", "b", "c"], at))


def delivered(queues: list[StoredQueue], claimed: list[list[Task]]) -> list[EndedAttempts]:
    return [
        EndedAttempts(stored, [Verdict(each, None) for each in tasks], len(tasks), NOON + number * HOUR, NOON)
        for number, (stored, tasks) in enumerate(zip(queues, claimed, strict=True), 1)
    ]


async def test_attempts_of_many_queues_start_and_end_together(store: Store) -> None:
    queues, claimed = await claimed_of_three(store)
    assert [ids(tasks) for tasks in claimed] == [["a", "b"]] * 3
    assert await store.read(lambda tx: tx.tallies(queues)) == [Tally(3, NOON)] * 3
    assert await store.write(lambda tx: tx.ended(delivered(queues, claimed))) == []
    for number, stored in enumerate(queues, 1):
        free = NOON + number * HOUR
        assert await left_in(store, stored) == ["c"]
        assert await entombed(store, stored, free - SECOND) == {"a", "b"}
        assert await entombed(store, stored, free) == set()
    assert await store.read(lambda tx: tx.tallies(queues)) == [Tally(1, NOON)] * 3


async def test_of_attempts_that_end_together_those_that_are_the_newest_count(store: Store) -> None:
    queues, claimed = await claimed_of_three(store)
    await store.write(lambda tx: tx.remove(queues[0], ["a"], NOON + 9 * HOUR))
    await store.write(lambda tx: force(tx, queues[1], "b", NOON))
    (stale,) = await store.write(lambda tx: tx.ended(delivered(queues, claimed)))
    assert stale.task == claimed[1][1]
    assert [await left_in(store, each) for each in queues] == [["c"], ["b", "c"], ["c"]]
    assert await store.read(lambda tx: tx.tallies(queues)) == [Tally(1, NOON), Tally(2, NOON), Tally(1, NOON)]
    assert await entombed(store, queues[1], NOON) == {"a"}
