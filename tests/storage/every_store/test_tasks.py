"""What every store keeps of tasks, and in which order it lists them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from msgspec.structs import replace
from tests.storage.claims import claim, record
from tests.storage.one_queue import (
    HOUR,
    NOON,
    QUEUE,
    SECOND,
    ids,
    leased,
    listed,
    made,
    pull_task,
    queue_of,
    sibling,
    task,
    without_key,
)

from tidegate.core.trace_context import NOT_SAMPLED, TraceContext
from tidegate.engine.ports.store import PlaceInLine, Store, StoredAge, Tally, Verdict
from tidegate.storage.postgres import PostgresStore


async def test_a_task_that_starts_as_it_is_stored_comes_back_as_it_is_then(store: Store) -> None:
    stored = await made(store, task("waits"))
    bodies = [b"hello", b"", b"x" * 5000]
    tasks = [task(f"t{number}", body=body).dispatched(NOON + SECOND) for number, body in enumerate(bodies)]
    added = await store.write(lambda tx: tx.add_dispatched(stored, tasks, NOON + SECOND))
    assert not added.taken
    started = added.tasks
    assert [each.dispatch_count for each in started] == [1, 1, 1]
    shown = await store.read(lambda tx: [tx.task(stored, each.name.task, body=True) for each in tasks])
    assert shown == started
    assert await store.read(lambda tx: tx.tallies([stored])) == [Tally(4, NOON)]
    assert ids(await store.write(lambda tx: claim(tx, stored, NOON + HOUR, 10))) == ["waits"]
    verdicts = [Verdict(each, None) for each in started]
    assert await store.write(lambda tx: record(tx, stored, verdicts, NOON + HOUR)) == []
    assert await listed(store) == ["waits"]


async def test_a_task_reads_back_as_it_was_added_its_body_only_when_asked_for(store: Store) -> None:
    small, large = task("small"), task("large", body=b"x" * 5000)
    stored = await made(store, small, large)
    for each in (small, large):
        found = await store.read(lambda tx, each=each: tx.task(stored, each.name.task, body=True))  # type: ignore[misc]
        assert without_key(found) == each
        found = await store.read(lambda tx, each=each: tx.task(stored, each.name.task, body=False))  # type: ignore[misc]
        assert found is not None
        assert found.body == b""
    assert await store.read(lambda tx: tx.task(stored, "other", body=True)) is None


async def test_more_tasks_than_one_statement_takes_are_all_added(store: Store) -> None:
    stored = await made(store, *[task(f"{n:04}") for n in range(211)])
    found = await store.read(lambda tx: tx.tasks(stored, "", 1000, body=True))
    assert ids(found) == [f"{n:04}" for n in range(211)]


async def test_the_tasks_before_another_one_are_those_that_wait_and_come_first(store: Store) -> None:
    stored = await made(
        store,
        task("later", NOON + HOUR),
        task("first", NOON - SECOND),
        task("same, made before", NOON),
        task("this"),
        task("same, made after", NOON),
        task("under way", NOON - HOUR),
    )
    await store.write(lambda tx: claim(tx, stored, NOON - HOUR, limit=1))

    async def ahead(task_id: str, limit: int = 10) -> list[datetime]:
        def look(tx: Any) -> list[datetime]:
            found = tx.task(stored, task_id, body=False)
            return tx.waiting_before(stored, found, limit)  # type: ignore[no-any-return]

        return await store.read(look)

    assert await ahead("this") == [NOON - SECOND, NOON]
    assert await ahead("first") == []
    assert await ahead("later", limit=3) == [NOON - SECOND, NOON, NOON]


async def test_a_task_keeps_the_trace_of_its_creation(store: Store) -> None:
    traces = {"a": TraceContext(2**127, 2**63, sampled=True, state="x=1").kept(), "b": NOT_SAMPLED, "c": b""}
    stored = await made(store, *(replace(task(name), trace=trace) for name, trace in traces.items()))
    listed = await store.read(lambda tx: tx.tasks(stored, "", 10, body=True))
    assert {each.name.task: each.trace for each in listed} == traces
    claimed = await store.write(lambda tx: claim(tx, stored, NOON, 3))
    assert {each.name.task: each.trace for each in claimed} == traces


async def test_removed_tasks_are_named_and_entombed(store: Store) -> None:
    stored = await made(store, task("a"), task("b"), task("c"))
    assert await store.write(lambda tx: tx.remove(stored, ["a", "c", "x", "a"], NOON + HOUR)) == {"a", "c"}
    assert await listed(store) == ["b"]
    assert await store.read(lambda tx: tx.entombed(stored, ["a", "b", "c", "x"], NOON)) == {"a", "c"}


async def test_asking_for_no_tasks_finds_none(store: Store) -> None:
    stored = await made(store, task("a"))
    assert await store.read(lambda tx: tx.living(stored, [])) == set()
    assert await store.read(lambda tx: tx.entombed(stored, [], NOON)) == set()
    assert await store.read(lambda tx: tx.leases(stored, [])) == {}
    assert await store.write(lambda tx: tx.remove(stored, [], NOON)) == set()
    assert await store.write(lambda tx: record(tx, stored, [], NOON)) == []
    await store.write(lambda tx: tx.add_tasks(stored, []))


async def test_tasks_stand_in_line_by_their_schedule_times_under_way_or_not(store: Store) -> None:
    later = [task(name, NOON + each * SECOND) for name, each in (("a", 3), ("b", 1), ("c", 2), ("d", 2))]
    stored = await made(store, *later)
    assert [
        each.name.task for each in await store.write(lambda tx: claim(tx, stored, NOON + HOUR, 1), holds={QUEUE})
    ] == ["b"]

    async def line(behind: PlaceInLine | None, limit: int, *, latest_first: bool) -> list[tuple[str, PlaceInLine]]:
        found = await store.read(lambda tx: tx.tasks_in_line(stored, behind, limit, latest_first=latest_first))
        return [(task.name.task, place) for task, place in found]

    assert [name for name, _ in await line(None, 9, latest_first=False)] == ["b", "c", "d", "a"]
    assert [name for name, _ in await line(None, 9, latest_first=True)] == ["a", "d", "c", "b"]
    first = await line(None, 2, latest_first=False)
    assert [name for name, _ in await line(first[-1][1], 9, latest_first=False)] == ["d", "a"]
    last = await line(None, 2, latest_first=True)
    assert [name for name, _ in await line(last[-1][1], 1, latest_first=True)] == ["c"]


async def test_removed_tasks_leave_no_bodies_behind(store: Store) -> None:
    stored = await made(store, pull_task("a", body=b"x" * 5000), pull_task("b", body=b"y" * 5000))
    await store.write(lambda tx: tx.remove(stored, ["a"], NOON + HOUR))
    (left,) = await leased(store)
    assert left.body == b"y" * 5000
    if isinstance(store, PostgresStore):
        return  # bodies stand in the rows of their tasks
    kept = await store.read(lambda tx: tx.tables.execute("SELECT count(*) FROM bodies").fetchone())  # type: ignore[attr-defined]
    assert kept == (1,)


async def test_tasks_are_walked_in_the_order_of_creation_with_their_queues(store: Store) -> None:
    stored = await made(store, task("b"), task("a", created=NOON + SECOND))
    other = await made(store, task("c"), name=sibling("other"))
    purged = await made(store, task("d"), name=sibling("purged"))
    await store.write(lambda tx: tx.purge(purged, purged.queue, NOON + HOUR))

    async def walked(after: Any, limit: int) -> list[StoredAge]:
        return await store.write(lambda tx: tx.ages(after, limit))

    first = await walked(None, 2)
    assert [(each.queue, each.task_id, each.create_time) for each in first] == [
        (stored, "b", NOON),
        (stored, "a", NOON + SECOND),
    ]
    rest = await walked(first[-1].key, 9)
    assert [(each.queue, each.task_id) for each in rest] == [(other, "c"), (None, "d")]
    assert await walked(rest[-1].key, 9) == []


@pytest.mark.parametrize("body", [False, True])
async def test_a_page_of_tasks_ends_by_bytes_too(store: Store, body: bool) -> None:
    await made(store, *[task(f"{number:03}", body=b"x" * (2000 if body else 0)) for number in range(300)])
    for limit in (300, 10):
        page = await store.read(lambda tx, limit=limit: tx.tasks(queue_of(tx), "", limit, body=body, bytes_limit=10**7))  # type: ignore[misc]
        assert ids(page) == [f"{number:03}" for number in range(limit)]
    page = await store.read(lambda tx: tx.tasks(queue_of(tx), "", 300, body=body, bytes_limit=20_000))
    assert 2 < len(page) < 300
    assert len(await store.read(lambda tx: tx.tasks(queue_of(tx), "", 300, body=body, bytes_limit=1))) == 1
