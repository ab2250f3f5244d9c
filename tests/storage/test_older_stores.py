"""A store that an older version left works on: what it held is read, claimed, leased, recorded and cleared away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import apsw
import pytest
from tests.storage.claims import claim, clear_away, lease, record

from tidegate.core.dead_letters import DeathReason
from tidegate.core.errors import Code
from tidegate.core.lease import LeaseFilter
from tidegate.core.names import QueueName
from tidegate.core.queue import HttpTarget, Kind, OidcToken, UriOverride
from tidegate.core.task import Attempt, HttpRequest, Status, Task
from tidegate.engine.dead_letters import revive
from tidegate.engine.ports.shelf import ShelfTally
from tidegate.engine.ports.store import Store, StoredQueue, Tally, Transaction, Verdict
from tidegate.engine.shelving import Shelving
from tidegate.storage.sqlite import SqliteStore, check, migrations

OLDER = Path(__file__).parent / "older"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
PUSH, PULL, GONE = [QueueName.of("p", "us-central1", name) for name in ("push", "pull", "gone")]


def left_behind(path: Path) -> None:
    """Write the file of a store with the first five steps taken."""
    with closing(apsw.Connection(str(path))) as connection:
        for step in sorted(resources.files(migrations).iterdir(), key=lambda each: each.name)[:5]:
            connection.execute(step.read_text())
        connection.execute((OLDER / "five_steps.sql").read_text())


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    path = tmp_path / "t.db"
    left_behind(path)
    store = await SqliteStore.open(path)
    await store.write(lambda tx: tx.release(0, NOON, 100))
    yield store
    await store.close()
    assert check(path) == []


async def found(store: Store, name: QueueName) -> StoredQueue:
    stored = await store.read(lambda tx: tx.queue(name))
    assert stored is not None
    return stored


def ids(tasks: list[Task]) -> list[str]:
    return [task.name.task for task in tasks]


async def test_its_queues_and_taken_names_are_known(store: Store) -> None:
    push, pull = await found(store, PUSH), await found(store, PULL)
    assert (push.queue.kind, pull.queue.kind) == (Kind.PUSH, Kind.PULL)
    assert push.queue.http_target == HttpTarget(uri_override=UriOverride(host="h"))
    assert (push.queue.sampling_ratio, push.flow.in_flight) == (0.5, 0)
    assert await store.read(lambda tx: tx.tallies([push, pull])) == [Tally(4, NOON), Tally(3, NOON)]
    taken = ["done", "deleted", "failed", "never"]
    assert await store.read(lambda tx: tx.entombed(push, taken, NOON)) == {"done", "deleted"}
    assert await store.read(lambda tx: tx.queue_name_taken(GONE, NOON))
    assert await store.read(lambda tx: tx.document("policy", "a", NOON)) == b"1"


async def test_its_tasks_read_as_they_were_left(store: Store) -> None:
    push = await found(store, PUSH)
    failed = await store.read(lambda tx: tx.task(push, "failed", body=True))
    assert failed is not None
    assert failed.target == HttpRequest(
        "https://handler.test/x", headers={"A": "b"}, token=OidcToken("a@b.test", "aud")
    )
    assert (failed.body, failed.schedule_time) == (b"hello", NOON + 10 * SECOND)
    status = Status(Code.NOT_FOUND, "NOT_FOUND(5): HTTP status code 404")
    assert failed.last_attempt == Attempt(NOON, NOON, NOON + SECOND, status, 404)


async def test_its_push_tasks_are_claimed_and_recorded(store: Store) -> None:
    push = await found(store, PUSH)
    claimed = await store.write(lambda tx: claim(tx, push, NOON + 10 * SECOND, 9))
    counts = {task.name.task: (task.dispatch_count, len(task.body)) for task in claimed}
    assert counts == {"under-way": (2, 5), "long": (1, 1500), "failed": (2, 5)}
    verdicts = [Verdict(task, None) for task in claimed]
    assert await store.write(lambda tx: record(tx, push, verdicts, NOON + HOUR)) == []
    assert await store.read(lambda tx: tx.tallies([push])) == [Tally(1, NOON + HOUR)]


async def test_its_pull_tasks_are_leased_and_the_lost_ones_cleared_away(store: Store) -> None:
    pull = await found(store, PULL)

    def by_tag(tx: Transaction) -> list[Task]:
        return lease(tx, pull, NOON, NOON + HOUR, LeaseFilter("t"))

    assert ids(await store.write(by_tag)) == ["tagged"]
    assert ids(await store.write(lambda tx: lease(tx, pull, NOON, NOON + HOUR))) == ["free"]
    await clear_away(store, NOON + 60 * SECOND, 10)
    left = await store.read(lambda tx: tx.tasks(pull, "", 9, body=False))
    assert ids(left) == ["free", "tagged"]
    assert await store.read(lambda tx: tx.entombed(pull, ["last"], NOON + 60 * SECOND)) == {"last"}


async def test_its_tasks_lie_on_the_shelf_when_they_die_and_come_back(store: Store) -> None:
    push = await found(store, PUSH)
    now = NOON + 10 * SECOND

    def die(tx: Transaction) -> None:
        tasks = [task for task in tx.tasks(push, "", 9, body=True) if task.name.task in {"failed", "long"}]
        Shelving().bury(tx, push, tasks, DeathReason.TTL, now)

    await store.write(die)
    dead = await store.read(lambda tx: tx.dead_tasks(push, 9, after=0))
    assert [each.task.name.task for each in dead] == ["failed", "long"]
    whole = await store.read(lambda tx: tx.dead_tasks_by_id(push, [dead[1].id], whole=True))
    assert len(whole[0].task.body) == 1500
    wanted = [(each.id, now) for each in dead]
    await store.write(lambda tx: revive(tx, push, push, wanted, now, keep_counts=True))
    failed = await store.read(lambda tx: tx.task(push, "failed", body=True))
    assert failed is not None
    assert (failed.body, failed.dispatch_count, failed.last_attempt is not None) == (b"hello", 1, True)
    assert await store.read(lambda tx: tx.shelf(push)) == ShelfTally()
