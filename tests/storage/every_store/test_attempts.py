"""How attempts start and end in every store: claims, outcomes, and what a dead process left under way."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.storage.claims import claim, force, record
from tests.storage.one_queue import HOUR, NOON, SECOND, current, ids, leased, listed, made, pull_task, task

from tidegate.core.bucket import Flow
from tidegate.core.errors import Code
from tidegate.core.lifecycle import Outcome, Retry, judge
from tidegate.core.task import Attempt, HttpRequest, Status, Task
from tidegate.engine.ports.store import Store, Verdict
from tidegate.storage.postgres import PostgresStore


async def test_a_claim_takes_what_is_due_in_the_order_of_schedule_time_then_creation(store: Store) -> None:
    stored = await made(
        store, task("late", NOON + SECOND), task("b", NOON), task("a", NOON), task("early", NOON - SECOND)
    )
    claimed = await store.write(lambda tx: claim(tx, stored, NOON, 2))
    assert ids(claimed) == ["early", "b"]
    assert {each.dispatch_count for each in claimed} == {1}
    assert {each.dispatched_at for each in claimed} == {NOON}
    assert {each.first_dispatch_time for each in claimed} == {NOON}
    assert ids(await store.write(lambda tx: claim(tx, stored, NOON, 5))) == ["a"]
    assert await store.write(lambda tx: claim(tx, stored, NOON, 5)) == []
    assert await store.read(lambda tx: tx.next_due([stored])) == [NOON + SECOND]


async def test_a_claim_takes_no_more_long_tasks_than_there_is_room_for(store: Store) -> None:
    sizes = {"small": 5, "long": 20_000, "wide": 500, "longer": 30_000, "last": 6}
    stored = await made(store, *[task(name, body=name[:1].encode() * size) for name, size in sizes.items()])
    claimed = await store.write(lambda tx: claim(tx, stored, NOON, 10, 25_000))
    assert ids(claimed) == ["small", "long", "wide"]
    assert [each.body for each in claimed] == [b"s" * 5, b"l" * 20_000, b"w" * 500]
    assert [each.bulk > 0 for each in claimed] == [False, True, False]
    assert 20_000 < claimed[1].bulk < 21_000
    assert await store.write(lambda tx: claim(tx, stored, NOON, 10, 29_999)) == []
    assert await store.read(lambda tx: tx.next_due([stored])) == [NOON]
    (longer, last) = await store.write(lambda tx: claim(tx, stored, NOON, 10, 31_000))
    assert (longer.body, last.body) == (b"l" * 30_000, b"l" * 6)


async def test_many_headers_make_a_task_long_too(store: Store) -> None:
    wide = replace(task("wide"), target=HttpRequest("https://handler.test/", headers={"A": "b" * 8000}))
    stored = await made(store, wide)
    assert await store.write(lambda tx: claim(tx, stored, NOON, 10, 8000)) == []
    (claimed,) = await store.write(lambda tx: claim(tx, stored, NOON, 10, 9000))
    assert 8000 < claimed.bulk < 9000


async def test_a_success_removes_the_task_and_leaves_its_name_taken_for_a_while(store: Store) -> None:
    stored = await made(store, task("a", body=b"x" * 5000), task("b"))
    (claimed, _) = await store.write(lambda tx: claim(tx, stored, NOON, 2))
    stale = await store.write(lambda tx: record(tx, stored, [Verdict(claimed, None)], NOON + HOUR))
    assert stale == []
    assert await listed(store) == ["b"]
    assert await store.read(lambda tx: tx.entombed(stored, ["a", "b"], NOON)) == {"a"}
    assert await store.read(lambda tx: tx.entombed(stored, ["a"], NOON + HOUR)) == set()


async def test_a_failure_keeps_the_task_for_its_retry(store: Store) -> None:
    stored = await made(store, task("a"))
    (claimed,) = await store.write(lambda tx: claim(tx, stored, NOON, 1))
    judgement = judge(claimed, stored.queue, Outcome(http_status=429), NOON + SECOND)
    assert isinstance(judgement, Retry)
    await store.write(lambda tx: record(tx, stored, [Verdict(claimed, judgement.task)], NOON + HOUR))
    found = await store.read(lambda tx: tx.task(stored, "a", body=True))
    assert found == judgement.task
    assert found.last_attempt == Attempt(
        NOON,
        NOON,
        NOON + SECOND,
        Status(Code.RESOURCE_EXHAUSTED, "RESOURCE_EXHAUSTED(8): HTTP status code 429"),
        429,
    )
    due = NOON + SECOND + timedelta(milliseconds=100)
    assert await store.write(lambda tx: claim(tx, stored, due - timedelta(microseconds=1), 1)) == []
    (again,) = await store.write(lambda tx: claim(tx, stored, due, 1))
    assert (again.dispatch_count, again.response_count, again.answer_count) == (2, 1, 1)
    assert again.first_dispatch_time == NOON


@pytest.mark.parametrize("retry", [True, False])
async def test_an_outcome_counts_only_while_its_attempt_is_the_newest(store: Store, retry: bool) -> None:
    stored = await made(store, task("a"))
    (first,) = await store.write(lambda tx: claim(tx, stored, NOON, 1))
    second = await store.write(lambda tx: force(tx, stored, "a", NOON + SECOND))
    assert second.dispatch_count == 2
    verdict = Verdict(first, first if retry else None)
    assert await store.write(lambda tx: record(tx, stored, [verdict], NOON + HOUR)) == [verdict]
    assert await listed(store) == ["a"]
    assert await store.write(lambda tx: record(tx, stored, [Verdict(second, None)], NOON + HOUR)) == []
    assert await listed(store) == []


async def test_a_retry_of_a_task_that_is_gone_does_not_count(store: Store) -> None:
    stored = await made(store, task("a"), task("b"))
    verdicts = [Verdict(each, each) for each in await store.write(lambda tx: claim(tx, stored, NOON, 2))]
    await store.write(lambda tx: tx.remove(stored, ["a"], NOON + HOUR))
    assert await store.write(lambda tx: record(tx, stored, verdicts, NOON + HOUR)) == verdicts[:1]
    assert await listed(store) == ["b"]


async def test_what_was_under_way_is_due_again_after_a_release_even_if_it_was_forced_early(store: Store) -> None:
    if isinstance(store, PostgresStore):
        return  # nobody releases the attempts of a node that lives: test_dead_nodes.py
    stored = await made(store, task("a", NOON - SECOND), task("b", NOON + HOUR))
    await store.write(lambda tx: claim(tx, stored, NOON, 1))
    await store.write(lambda tx: force(tx, stored, "b", NOON))
    await store.write(lambda tx: tx.save_flows([(stored, Flow(stored.flow.bucket, 2))]))
    await store.write(lambda tx: tx.release(0, NOON, 100))
    assert (await current(store)).flow == stored.flow
    again = await store.write(lambda tx: claim(tx, stored, NOON, 5))
    assert [(each.name.task, each.schedule_time) for each in again] == [("a", NOON - SECOND), ("b", NOON)]


async def test_what_is_marked_is_what_the_rules_made_of_it(store: Store) -> None:
    stored = await made(store, task("a"), pull_task("b"))

    async def kept(task_id: str) -> Task | None:
        return await store.read(lambda tx: tx.task(stored, task_id, body=True))

    (started,) = await store.write(lambda tx: claim(tx, stored, NOON, 1))
    assert await kept("a") == started
    again = await store.write(lambda tx: force(tx, stored, "a", NOON + SECOND))
    assert await kept("a") == again
    assert (again.dispatch_count, again.first_dispatch_time, again.dispatched_at) == (2, NOON, NOON + SECOND)
    (leased_once,) = await leased(store)
    assert await kept("b") == leased_once
    await store.write(lambda tx: tx.reschedule(leased_once, NOON + SECOND))
    assert await kept("b") == replace(leased_once, schedule_time=NOON + SECOND)
