"""One contract, every store: kept attempts and dead tasks, as ``engine.ports.shelf`` promises."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace
from tests.storage.one_queue import NOON, QUEUE, SECOND, current, made, task

from tidegate.core.attempt_record import AttemptOutcome, AttemptRecord, Exchange, KeptResponse, SentReason, SentRequest
from tidegate.core.dead_letters import DeadTask, DeathReason, ErrorGroup
from tidegate.core.errors import Code
from tidegate.core.task import Attempt, Status, Task
from tidegate.engine.ports.shelf import KeptAttempt, ShelfTally, StoredAttempt
from tidegate.engine.ports.store import Store, StoredQueue

DAY = timedelta(days=1)
ROOM = ShelfTally(1000, 2**30)
STATUS = Status(Code.UNAVAILABLE, "UNAVAILABLE(14): HTTP status code 503")


def record(number: int, body: bytes = b"oops") -> AttemptRecord:
    request = SentRequest("POST", "https://handler.test/", (("A", "b"),), 5)
    exchange = Exchange(request, KeptResponse((("C", "d"),), body, 4), peer_address="10.0.0.1:80", redirects=("x",))
    return AttemptRecord(
        number, SentReason.RETRY, NOON, NOON, NOON + SECOND, AttemptOutcome.FAILED, 503, STATUS, exchange=exchange
    )


def dead(task_id: str, *attempts: AttemptRecord, body: bytes = b"hello") -> DeadTask:
    tried = replace(
        task(task_id, body=body),
        trace=b"kept" * 8,
        dispatch_count=2,
        last_attempt=Attempt(NOON, NOON, NOON, STATUS, 503),
    )
    group = ErrorGroup("0a1b", "HTTP 503 from handler.test")
    return DeadTask(
        task=tried,
        death_time=NOON + SECOND,
        reason=DeathReason.ATTEMPTS,
        expire_time=NOON + DAY,
        error_group=group,
        attempts=attempts,
    )


async def keep(store: Store, queue: StoredQueue, *kept: tuple[str, int], size_max: int = 2**30) -> None:
    attempts = [KeptAttempt(queue, task_id, record(number), None, number - 20) for task_id, number in kept]
    await store.write(lambda tx: tx.keep_attempts(attempts, size_max))


async def kept(store: Store, queue: StoredQueue, task_id: str | None = None) -> list[tuple[str, int]]:
    found = await store.read(lambda tx: tx.attempts(queue, task_id, None, 1000))
    return [(each.task_id, each.record.number) for each in found]


async def shelve(store: Store, queue: StoredQueue, *tasks: DeadTask, most: ShelfTally = ROOM) -> set[str]:
    return await store.write(lambda tx: tx.shelve(queue, tasks, most))


async def shelf(store: Store, queue: StoredQueue) -> list[DeadTask]:
    return list(await store.read(lambda tx: tx.dead_tasks(queue, 1000, after=0)))


def ids(found: list[DeadTask]) -> list[str]:
    return [each.task.name.task for each in found]


async def test_attempts_are_read_as_they_were_kept_newest_first(store: Store) -> None:
    queue = await made(store)
    await keep(store, queue, ("a", 1), ("b", 1), ("a", 2))
    assert await kept(store, queue) == [("a", 2), ("b", 1), ("a", 1)]
    first: list[StoredAttempt] = list(await store.read(lambda tx: tx.attempts(queue, "a", None, 1)))
    assert [each.record for each in first] == [record(2)]
    rest = await store.read(lambda tx: tx.attempts(queue, "a", first[0].place, 9))
    assert [each.record for each in rest] == [record(1)]


async def test_outdated_attempts_and_those_of_gone_tasks_go(store: Store) -> None:
    queue = await made(store)
    await keep(store, queue, ("a", 1), ("a", 2), ("b", 1))
    await keep(store, queue, ("a", 21))
    assert await kept(store, queue, "a") == [("a", 21), ("a", 2)]
    await store.write(lambda tx: tx.end_attempts(queue, ["a", "none"], None))
    assert await kept(store, queue) == [("b", 1)]


async def test_attempts_that_end_stay_until_their_time(store: Store) -> None:
    queue = await made(store)
    await keep(store, queue, ("a", 1), ("b", 1))
    await store.write(lambda tx: tx.end_attempts(queue, ["a"], NOON + DAY))
    await store.write(lambda tx: tx.clear(NOON + DAY - SECOND, 10))
    assert len(await kept(store, queue)) == 2
    await store.write(lambda tx: tx.clear(NOON + DAY, 10))
    assert await kept(store, queue) == [("b", 1)]


async def test_the_oldest_attempts_go_when_they_take_too_much(store: Store) -> None:
    queue = await made(store)
    await keep(store, queue, *[(f"t{number}", 1) for number in range(50)], size_max=3000)
    names = [task_id for task_id, _ in await kept(store, queue)]
    assert 5 <= len(names) < 50
    assert names == [f"t{number}" for number in range(49, 49 - len(names), -1)]


async def test_a_dead_task_takes_its_attempts_along_and_comes_back_whole(store: Store) -> None:
    queue = await made(store)
    await keep(store, queue, ("a", 1))
    assert await shelve(store, queue, dead("a", record(2), body=b"x" * 5000)) == {"a"}
    assert await kept(store, queue) == []
    (bare,) = await shelf(store, queue)
    assert (bare.task.body, bare.attempts) == (b"", (record(2),))
    (whole,) = await store.read(lambda tx: tx.dead_tasks_by_id(queue, [bare.id], whole=True))
    expected = dead("a", record(1), record(2), body=b"x" * 5000)
    assert replace(whole, id=0, size=0) == expected
    (by_name,) = await store.read(lambda tx: tx.dead_tasks_of(queue, "a", 9))
    assert (by_name.attempts, by_name.task.body) == ((record(1), record(2)), b"")
    assert await store.read(lambda tx: tx.shelf(queue)) == ShelfTally(1, whole.size)


async def test_the_oldest_dead_tasks_go_when_there_are_too_many_or_too_large(store: Store) -> None:
    queue = await made(store)
    await shelve(store, queue, *[dead(f"t{number}") for number in range(5)], most=ShelfTally(3, 2**30))
    assert ids(await shelf(store, queue)) == ["t2", "t3", "t4"]
    size = (await shelf(store, queue))[0].size
    assert await shelve(store, queue, dead("t5"), most=ShelfTally(10, 2 * size)) == {"t5"}
    assert ids(await shelf(store, queue)) == ["t4", "t5"]
    assert await shelve(store, queue, dead("t6", body=bytes(9000)), most=ShelfTally(10, 2 * size)) == set()
    assert await store.read(lambda tx: tx.shelf(queue)) == ShelfTally(2, 2 * size)


async def test_dead_tasks_are_dropped_and_listed_in_both_orders(store: Store) -> None:
    queue = await made(store)
    await shelve(store, queue, *[dead(f"t{number}") for number in range(4)])
    there = await shelf(store, queue)
    assert await store.write(lambda tx: tx.drop_dead(queue, [there[1].id, 10**9])) == 1
    assert await store.write(lambda tx: tx.drop_dead(queue, [there[1].id])) == 0
    newest = await store.read(lambda tx: tx.dead_tasks(queue, 2))
    older = await store.read(lambda tx: tx.dead_tasks(queue, 9, before=newest[-1].id))
    assert ids([*newest, *older]) == ["t3", "t2", "t0"]
    assert ids(list(await store.read(lambda tx: tx.dead_tasks(queue, 9, after=there[0].id)))) == ["t2", "t3"]


async def test_the_shelf_outlives_a_purge_and_not_its_time_nor_its_queue(store: Store) -> None:
    queue = await made(store, task("b"))
    await shelve(store, queue, dead("a"))
    await store.write(lambda tx: tx.purge(queue, queue.queue, NOON))
    purged = await current(store)
    assert ids(await shelf(store, purged)) == ["a"]
    await store.write(lambda tx: tx.clear(NOON + DAY, 10))
    assert await shelf(store, purged) == []
    await shelve(store, purged, dead("c"))
    await store.write(lambda tx: tx.delete_queue(purged, NOON))
    again = await made(store)
    assert await shelf(store, again) == []
    while await store.write(lambda tx: tx.clear(NOON, 10)):
        pass


async def test_names_are_freed_and_counts_given_back(store: Store) -> None:
    queue = await made(store, task("a"))
    await store.write(lambda tx: tx.remove(queue, ["a"], NOON + DAY))
    await store.write(lambda tx: tx.free_task_names(queue, ["a"]))
    assert await store.read(lambda tx: tx.entombed(queue, ["a"], NOON)) == set()
    tried = dead("a").task

    def anew(tx):
        tx.add_tasks(queue, [tried])
        tx.restore_counts(queue, [tried])
        return tx.task(queue, "a", body=True)

    found: Task = await store.write(anew)
    assert replace(found, key=None) == tried


async def test_only_attempts_that_are_the_newest_are_still_under_way(store: Store) -> None:
    queue = await made(store, task("a"), task("b"))

    def marked(tx):
        (due,) = tx.due_tasks([(queue, 9)], NOON)
        started = [each.dispatched(NOON) for each in due.tasks]
        tx.mark_dispatched(started, NOON)
        return started

    started: list[Task] = await store.write(marked)
    older = [replace(each, dispatch_count=0) for each in started]
    assert await store.write(lambda tx: tx.still_under_way(started)) == {"a", "b"}
    assert await store.write(lambda tx: tx.still_under_way(older)) == set()
    await store.write(lambda tx: tx.remove(queue, ["a"], NOON))
    assert await store.write(lambda tx: tx.still_under_way(started)) == {"b"}
    assert queue.queue.name == QUEUE
