"""One contract, every store: what ``engine.ports.Store`` promises."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.kit.postgres import OLDER
from tests.kit.postgres_programs import programs
from tests.storage.claims import ANY, claim, clear_away, force, lease, record
from tests.storage.postgres_stores import empty, open_store

from tidegate.core.bucket import Flow, TokenBucket
from tidegate.core.errors import Code
from tidegate.core.lease import Lease, LeaseFilter
from tidegate.core.lifecycle import Outcome, Retry, judge
from tidegate.core.names import QueueName
from tidegate.core.queue import Header, HttpTarget, Kind, OidcToken, Queue, RetryConfig, State, UriOverride
from tidegate.core.queue_numbers import WaitingCounts
from tidegate.core.ramp import Ramp
from tidegate.core.task import Attempt, HttpRequest, PullMessage, Status, Task
from tidegate.core.throttle import Throttle
from tidegate.core.trace_context import NOT_SAMPLED, TraceContext
from tidegate.engine.ports.store import (
    EndedAttempts,
    PlaceInLine,
    Store,
    StoredAge,
    StoredQueue,
    Tally,
    Transaction,
    Verdict,
)
from tidegate.storage.postgres import PostgresStore
from tidegate.storage.sqlite import MemoryStore, SqliteStore

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
QUEUE = QueueName.of("p", "us-central1", "q")


KINDS = ["memory", "sqlite", "postgres", *(["postgres 15"] if OLDER and programs() != OLDER else [])]


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    if request.param.startswith("postgres"):
        url = request.getfixturevalue("postgres_url" if request.param == "postgres" else "older_postgres_url")
        empty(url)
        async with open_store(url) as opened:
            yield opened
        return
    store: Store = MemoryStore() if request.param == "memory" else await SqliteStore.open(tmp_path / "tidegate.db")
    yield store
    await store.close()


def queue(name: QueueName = QUEUE, **settings: Any) -> Queue:
    return Queue(name=name, **settings)


def task(task_id: str, due: datetime = NOON, body: bytes = b"hello", created: datetime = NOON) -> Task:
    target = HttpRequest("https://handler.test/", headers={"A": "b"}, token=OidcToken("a@b.test", "x"))
    return Task(
        name=QUEUE.task(task_id),
        target=target,
        schedule_time=due,
        create_time=created,
        dispatch_deadline=timedelta(minutes=10),
        body=body,
    )


async def made(store: Store, *tasks: Task, name: QueueName = QUEUE) -> StoredQueue:
    def work(tx: Transaction) -> StoredQueue:
        stored = tx.add_queue(queue(name), Flow.fresh(queue(name).rate_limits, NOON))
        tx.add_tasks(stored, tasks)
        return stored

    return await store.write(work)


async def current(store: Store) -> StoredQueue:
    stored = await store.read(lambda tx: tx.queue(QUEUE))
    assert stored is not None
    return stored


def ids(tasks: list[Task]) -> list[str]:
    return [each.name.task for each in tasks]


async def listed(store: Store) -> list[str]:
    return ids(await store.read(lambda tx: tx.tasks(_queue(tx), "", 100, body=False)))


def _queue(tx: Any) -> StoredQueue:
    stored = tx.queue(QUEUE)
    assert stored is not None
    return stored  # type: ignore[no-any-return]


async def test_a_queue_reads_back_as_it_was_saved(store: Store) -> None:
    rich = queue(
        state=State.PAUSED,
        retry_config=RetryConfig(max_attempts=-1),
        http_target=HttpTarget(
            uri_override=UriOverride(scheme=0, host="h", port=0, path="", query=None),
            header_overrides=(Header("a", ""),),
            token=OidcToken("a@b.test"),
        ),
        purge_time=NOON,
        sampling_ratio=0.5,
    )
    flow = Flow.fresh(rich.rate_limits, NOON)
    await store.write(lambda tx: tx.add_queue(rich, flow))
    stored = await current(store)
    assert (stored.queue, stored.flow) == (rich, flow)


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


async def test_queues_are_listed_by_id_under_their_own_parent_only(store: Store) -> None:
    for name in ("b", "a", "a-b", "a0"):
        await made(store, name=QueueName.of("p", "us-central1", name))
    await made(store, name=QueueName.of("p", "us-central10", "x"))
    await made(store, name=QueueName.of("p2", "us-central1", "y"))
    found = await store.read(lambda tx: tx.queues("projects/p/locations/us-central1", "", 10))
    assert [each.queue.name.queue for each in found] == ["a", "a-b", "a0", "b"]
    after = await store.read(lambda tx: tx.queues("projects/p/locations/us-central1", "a-b", 1))
    assert [each.queue.name.queue for each in after] == ["a0"]
    assert await store.read(lambda tx: tx.locations("p")) == ["us-central1", "us-central10"]


async def test_a_task_reads_back_as_it_was_added_its_body_only_when_asked_for(store: Store) -> None:
    small, large = task("small"), task("large", body=b"x" * 5000)
    stored = await made(store, small, large)
    for each in (small, large):
        found = await store.read(lambda tx, each=each: tx.task(stored, each.name.task, body=True))  # type: ignore[misc]
        assert _without_key(found) == each
        found = await store.read(lambda tx, each=each: tx.task(stored, each.name.task, body=False))  # type: ignore[misc]
        assert found is not None
        assert found.body == b""
    assert await store.read(lambda tx: tx.task(stored, "other", body=True)) is None


async def test_more_tasks_than_one_statement_takes_are_all_added(store: Store) -> None:
    stored = await made(store, *[task(f"{n:04}") for n in range(211)])
    found = await store.read(lambda tx: tx.tasks(stored, "", 1000, body=True))
    assert ids(found) == [f"{n:04}" for n in range(211)]


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


async def test_the_backlog_names_each_queue_with_its_earliest_waiting_task(store: Store) -> None:
    other = QueueName.of("p", "us-central1", "idle")
    await made(store, name=other)
    stored = await made(store, task("a", NOON), task("b", NOON + SECOND))
    await store.write(lambda tx: claim(tx, stored, NOON, 1))
    assert await store.read(lambda tx: tx.backlog()) == [(await current(store), NOON + SECOND)]


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


async def test_a_task_keeps_the_trace_of_its_creation(store: Store) -> None:
    traces = {"a": TraceContext(2**127, 2**63, sampled=True, state="x=1").kept(), "b": NOT_SAMPLED, "c": b""}
    stored = await made(store, *(replace(task(name), trace=trace) for name, trace in traces.items()))
    listed = await store.read(lambda tx: tx.tasks(stored, "", 10, body=True))
    assert {each.name.task: each.trace for each in listed} == traces
    claimed = await store.write(lambda tx: claim(tx, stored, NOON, 3))
    assert {each.name.task: each.trace for each in claimed} == traces


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


async def test_a_purge_takes_all_tasks_at_once_and_keeps_their_names_taken(store: Store) -> None:
    stored = await made(store, task("a"), task("b"))
    (claimed,) = await store.write(lambda tx: claim(tx, stored, NOON, 1))
    purged = queue(purge_time=NOON)
    await store.write(lambda tx: tx.purge(stored, purged, NOON + HOUR))
    after = await current(store)
    assert after.queue == purged
    assert after.id == stored.id
    assert not await store.read(lambda tx: tx.has_tasks(after))
    assert await store.read(lambda tx: tx.entombed(after, ["a", "b", "c"], NOON)) == {"a", "b"}
    late = Verdict(claimed, claimed)
    assert await store.write(lambda tx: record(tx, after, [late], NOON + HOUR)) == [late]
    assert await listed(store) == []
    await clear_away(store, NOON, 1)
    assert await store.read(lambda tx: tx.entombed(after, ["a", "b", "c"], NOON)) == {"a", "b"}
    assert await store.read(lambda tx: tx.entombed(after, ["a", "b"], NOON + HOUR)) == set()


async def test_a_deleted_queue_frees_its_name_after_its_time_and_forgets_everything(store: Store) -> None:
    stored = await made(store, task("a"), task("b"))
    await store.write(lambda tx: tx.remove(stored, ["b"], NOON + HOUR))
    await store.write(lambda tx: tx.delete_queue(stored, NOON + HOUR))
    assert await store.read(lambda tx: tx.queue(QUEUE)) is None
    assert await store.read(lambda tx: tx.queue_name_taken(QUEUE, NOON))
    assert not await store.read(lambda tx: tx.queue_name_taken(QUEUE, NOON + HOUR))
    anew = await made(store)
    assert anew.id != stored.id
    assert await store.read(lambda tx: tx.entombed(anew, ["a", "b"], NOON)) == set()
    assert await listed(store) == []


async def test_a_queue_may_be_made_anew_where_it_is_deleted(store: Store) -> None:
    stored = await made(store, task("a"), task("b"))
    await store.write(lambda tx: tx.remove(stored, ["b"], NOON + HOUR))
    (claimed,) = await store.write(lambda tx: claim(tx, stored, NOON, 1))

    def work(tx: Transaction) -> StoredQueue:
        tx.delete_queue(stored, NOON)
        return tx.add_queue(queue(purge_time=NOON), Flow.fresh(queue().rate_limits, NOON))

    anew = await store.write(work, changes={QUEUE})
    assert (await current(store)).id == anew.id != stored.id
    assert (await current(store)).queue == queue(purge_time=NOON)
    assert await store.read(lambda tx: tx.entombed(anew, ["a", "b"], NOON)) == set()
    late = Verdict(claimed, claimed)
    assert await store.write(lambda tx: record(tx, anew, [late], NOON + HOUR)) == [late]
    assert await listed(store) == []
    await store.write(lambda tx: tx.add_tasks(anew, [task("a"), task("b")]))
    assert await listed(store) == ["a", "b"]


async def test_what_was_under_way_is_due_again_after_a_release_even_if_it_was_forced_early(store: Store) -> None:
    if isinstance(store, PostgresStore):
        return  # nobody releases the attempts of a node that lives: test_postgres_nodes.py
    stored = await made(store, task("a", NOON - SECOND), task("b", NOON + HOUR))
    await store.write(lambda tx: claim(tx, stored, NOON, 1))
    await store.write(lambda tx: force(tx, stored, "b", NOON))
    await store.write(lambda tx: tx.save_flows([(stored, Flow(stored.flow.bucket, 2))]))
    await store.write(lambda tx: tx.release(0, NOON, 100))
    assert (await current(store)).flow == stored.flow
    again = await store.write(lambda tx: claim(tx, stored, NOON, 5))
    assert [(each.name.task, each.schedule_time) for each in again] == [("a", NOON - SECOND), ("b", NOON)]


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


async def test_the_sweep_removes_tasks_past_their_time_to_live(store: Store) -> None:
    stored = await made(store, task("old"), task("young", created=NOON + timedelta(days=2)))
    later = NOON + timedelta(days=31)
    await clear_away(store, later, 1)
    assert await listed(store) == ["young"]
    assert await store.read(lambda tx: tx.entombed(stored, ["old", "young"], later)) == {"old"}


def pull_task(task_id: str, due: datetime = NOON, body: bytes = b"", tag: str = "") -> Task:
    return Task(name=QUEUE.task(task_id), target=PullMessage(tag), schedule_time=due, create_time=NOON, body=body)


async def leased(
    store: Store, wanted: LeaseFilter = ANY, limit: int = 10, now: datetime = NOON, until: datetime | None = None
) -> list[Task]:
    stored = await current(store)
    return await store.write(lambda tx: lease(tx, stored, now, until or now + HOUR, wanted, limit))


async def test_a_leased_task_is_as_it_was_but_for_its_lease(store: Store) -> None:
    small, large = pull_task("small", body=b"s", tag="x"), pull_task("large", body=b"l" * 5000)
    stored = await made(store, small, large)
    found = await leased(store)
    assert [_without_key(each) for each in found] == [small.leased(NOON + HOUR), large.leased(NOON + HOUR)]
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
    assert [_without_key(each) for each in whole[:3]] == [tasks[1], tasks[2], tasks[0]]
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


async def test_removed_tasks_leave_no_bodies_behind(store: Store) -> None:
    stored = await made(store, pull_task("a", body=b"x" * 5000), pull_task("b", body=b"y" * 5000))
    await store.write(lambda tx: tx.remove(stored, ["a"], NOON + HOUR))
    (left,) = await leased(store)
    assert left.body == b"y" * 5000
    if isinstance(store, PostgresStore):
        return  # bodies stand in the rows of their tasks
    kept = await store.read(lambda tx: tx.tables.execute("SELECT count(*) FROM bodies").fetchone())  # type: ignore[attr-defined]
    assert kept == (1,)


async def tallied(store: Store) -> Tally:
    stored = await current(store)
    (tally,) = await store.read(lambda tx: tx.tallies([stored]))
    return tally


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
        stored = _queue(tx)
        tx.save_queue(stored, replace(stored.queue, retry_config=RetryConfig(max_attempts=leases)))

    await store.write(work)


async def sweep(store: Store, now: datetime) -> None:
    await clear_away(store, now, 1)


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


async def test_documents_are_kept_until_they_expire(store: Store) -> None:
    await store.write(lambda tx: tx.put_document("operation", "a", b"1", NOON + HOUR))
    await store.write(lambda tx: tx.put_document("operation", "a", b"2", NOON + HOUR))
    await store.write(lambda tx: tx.put_document("policy", "a", b"3"))
    assert await store.read(lambda tx: tx.document("operation", "a", NOON)) == b"2"
    assert await store.read(lambda tx: tx.document("operation", "a", NOON + HOUR)) is None
    await store.write(lambda tx: tx.drop_document("policy", "a"))
    assert await store.read(lambda tx: tx.document("policy", "a", NOON)) is None


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


def _without_key(found: Task | None) -> Task | None:
    return None if found is None else replace(found, key=None)


async def test_a_transaction_sees_its_queue_as_the_others_left_it(store: Store) -> None:
    stored = await made(store)
    paused = queue(state=State.PAUSED)
    busy = replace(stored.flow, in_flight=3)
    purged = queue(purge_time=NOON)

    def fails(tx: Transaction) -> None:
        there = _queue(tx)
        tx.save_flows([(there, replace(there.flow, in_flight=99))])
        assert _queue(tx).flow.in_flight == 99
        tx.save_queue(there, queue(state=State.DISABLED))
        raise ValueError

    changes: list[Callable[[Transaction], Any]] = [
        lambda tx: tx.save_flows([(_queue(tx), busy)]),
        lambda tx: tx.save_queue(stored, paused),
        fails,
        lambda tx: tx.purge(_queue(tx), purged, NOON),
        lambda tx: tx.release(0, NOON, 100),
        lambda tx: tx.delete_queue(_queue(tx), NOON),
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


def sibling(name: str) -> QueueName:
    return QueueName(QUEUE.rpartition("/")[0] + f"/{name}")


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


async def test_the_flows_of_many_queues_are_saved_together(store: Store) -> None:
    queues = [await made(store, name=sibling(name)) for name in ("x", "y", "z")]
    slowed = Throttle(0.5, since=NOON, halved_at=NOON)
    flows = [
        Flow(TokenBucket(0.1 + 0.2, NOON + timedelta(microseconds=1)), 7, slowed),
        Flow(TokenBucket(5.0, NOON), 0, ramp=Ramp(NOON, 750.0, 3)),
        Flow(TokenBucket(1e-9, NOON), 5000),
    ]
    await store.write(lambda tx: tx.save_flows(list(zip(queues, flows, strict=True))))
    names = [stored.queue.name for stored in queues]
    for saved in (
        await store.read(lambda tx: [tx.queue(name) for name in names]),
        await store.write(lambda tx: [tx.queue(name) for name in names]),
    ):
        assert [stored and stored.flow for stored in saved] == flows


@pytest.mark.parametrize("body", [False, True])
async def test_a_page_of_tasks_ends_by_bytes_too(store: Store, body: bool) -> None:
    await made(store, *[task(f"{number:03}", body=b"x" * (2000 if body else 0)) for number in range(300)])
    for limit in (300, 10):
        page = await store.read(lambda tx, limit=limit: tx.tasks(_queue(tx), "", limit, body=body, bytes_limit=10**7))  # type: ignore[misc]
        assert ids(page) == [f"{number:03}" for number in range(limit)]
    page = await store.read(lambda tx: tx.tasks(_queue(tx), "", 300, body=body, bytes_limit=20_000))
    assert 2 < len(page) < 300
    assert len(await store.read(lambda tx: tx.tasks(_queue(tx), "", 300, body=body, bytes_limit=1))) == 1


async def test_documents_of_a_kind_are_listed_by_their_names(store: Store) -> None:
    def work(tx: Transaction) -> None:
        for name in ("a/2", "a/1", "a0/1", "b/1"):
            tx.put_document("kind", name, name.encode())
        tx.put_document("kind", "a/3", b"spent", NOON)
        tx.put_document("other", "a/1", b"another kind")

    await store.write(work)
    looks = [("", "", 10), ("a/", "", 10), ("a/", "a/1", 10), ("", "a/2", 1)]
    found = await store.read(lambda tx: [tx.documents("kind", *look, NOON) for look in looks])
    assert [[name for name, _ in each] for each in found] == [
        ["a/1", "a/2", "a0/1", "b/1"],
        ["a/1", "a/2"],
        ["a/2"],
        ["a0/1"],
    ]
    assert found[1][0] == ("a/1", b"a/1")


async def test_queues_are_listed_by_what_their_names_begin_with(store: Store) -> None:
    names = [QueueName.of(*each) for each in (("p", "l", "a"), ("p", "l", "b"), ("p", "l2", "a"), ("q", "l", "a"))]
    for name in names:
        await made(store, name=name)
    looks = [
        ("projects/", "", 10),
        ("projects/p/", "", 10),
        ("projects/p/locations/l/", "", 10),
        ("projects/", names[1], 1),
    ]
    found = await store.read(lambda tx: [[each.queue.name for each in tx.queues_under(*look)] for look in looks])
    assert found == [names, names[:3], names[:2], names[2:3]]
