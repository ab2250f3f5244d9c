"""What every store keeps of queues: ``engine.ports.store``."""

from __future__ import annotations

from datetime import timedelta

from tests.storage.claims import claim, clear_away, record
from tests.storage.one_queue import HOUR, NOON, QUEUE, SECOND, current, listed, made, queue, sibling, task

from tidegate.core.bucket import Flow, TokenBucket
from tidegate.core.names import QueueName
from tidegate.core.queue import Header, HttpTarget, OidcToken, RetryConfig, State, UriOverride
from tidegate.core.ramp import Ramp
from tidegate.core.throttle import Throttle
from tidegate.engine.ports.store import Store, StoredQueue, Transaction, Verdict


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


async def test_the_backlog_names_each_queue_with_its_earliest_waiting_task(store: Store) -> None:
    other = QueueName.of("p", "us-central1", "idle")
    await made(store, name=other)
    stored = await made(store, task("a", NOON), task("b", NOON + SECOND))
    await store.write(lambda tx: claim(tx, stored, NOON, 1))
    assert await store.read(lambda tx: tx.backlog()) == [(await current(store), NOON + SECOND)]


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
