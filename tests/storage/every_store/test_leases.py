"""How every store keeps leases, and finds those that were the last."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace
from tests.storage.one_queue import HOUR, NOON, SECOND, ids, leased, made, pull_task, sibling, task, without_key

from tidegate.core.lease import Lease, LeaseFilter
from tidegate.core.task import PullMessage, Task
from tidegate.engine.ports.store import Store, StoredQueue, Transaction


async def test_a_leased_task_is_as_it_was_but_for_its_lease(store: Store) -> None:
    small, large = pull_task("small", body=b"s", tag="x"), pull_task("large", body=b"l" * 5000)
    stored = await made(store, small, large)
    found = await leased(store)
    assert [without_key(each) for each in found] == [small.leased(NOON + HOUR), large.leased(NOON + HOUR)]
    for each in found:
        kept = await store.read(lambda tx, each=each: tx.task(stored, each.name.task, body=True))  # type: ignore[misc]
        assert kept == each


async def test_what_can_be_leased_comes_by_schedule_time_then_creation_with_its_size(store: Store) -> None:
    sizes = {"c": 0, "a": 3000, "b": 500, "d": 7}
    due = {"c": NOON, "a": NOON - 2 * SECOND, "b": NOON - SECOND, "d": NOON}
    tasks = [pull_task(name, due[name], b"x" * size) for name, size in sizes.items()]
    stored = await made(store, *tasks, pull_task("tagged", tag="x"), pull_task("later", NOON + SECOND))
    found = await store.write(lambda tx: tx.leasable(stored, "", NOON, 3))
    assert (ids(found.tasks), found.sizes) == (["a", "b", "c"], [3000, 500, 0])
    found = await store.write(lambda tx: tx.leasable(stored, None, NOON, 10))
    assert (ids(found.tasks), found.sizes) == (["a", "b", "c", "d", "tagged"], [3000, 500, 0, 7, 0])
    whole = await store.write(lambda tx: tx.with_bodies(found.tasks))
    assert [without_key(each) for each in whole[:3]] == [tasks[1], tasks[2], tasks[0]]
    assert (await store.write(lambda tx: tx.leasable(stored, "y", NOON, 10))).tasks == []


async def test_tags_are_told_apart_whatever_is_in_them(store: Store) -> None:
    tags = ["", "a", "a\0", "a\\0", "\\", "\\\\", "ä", " a"]
    await made(store, *[pull_task(f"t{number}", tag=tag) for number, tag in enumerate(tags)])
    for number, tag in enumerate(tags):
        (found,) = await leased(store, LeaseFilter(tag=tag))
        assert (found.name.task, found.target) == (f"t{number}", PullMessage(tag))


async def test_leases_are_told_of_the_pull_tasks_that_are_there(store: Store) -> None:
    stored = await made(store, pull_task("a", NOON - SECOND), pull_task("b"), task("push"))
    await leased(store, limit=1)
    told = await store.read(lambda tx: tx.leases(stored, ["b", "a", "push", "none", "a"]))
    assert told == {"a": Lease(NOON + HOUR, 1), "b": Lease(NOON, 0)}


async def test_a_last_lease_is_found_once_it_has_run_out_until_more_are_allowed(store: Store) -> None:
    stored = await made(store, *[pull_task(name, body=b"x") for name in ("a", "b", "c")])
    await made(store, name=sibling("other"))

    def leases(tx: Transaction) -> list[Task]:
        tasks = [task.leased(NOON + SECOND) for task in tx.leasable(stored, None, NOON, 3).tasks]
        tx.mark_leased(tasks, NOON + SECOND, tasks[1:])
        return tasks

    async def found(now: datetime, limit: int = 9) -> list[tuple[StoredQueue, Task]]:
        return await store.write(lambda tx: tx.last_leases(now, limit))

    tasks = await store.write(leases)
    assert await found(NOON) == []
    assert await found(NOON + SECOND) == [(stored, replace(task, body=b"")) for task in tasks[1:]]
    assert len(await found(NOON + SECOND, limit=1)) == 1
    await store.write(lambda tx: tx.allow_leases(tasks[1:2]))
    assert [task.name.task for _, task in await found(NOON + SECOND)] == ["c"]
