"""The power is cut while a whole engine is at work: what it told its callers and its handlers is on disk.

The long form: ``make power CUTS=2000``.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.engine.worlds import Mint, Notes
from tests.kit.figures import note
from tests.kit.told import Told
from tests.power.cuts import Cuts, opened
from tests.power.disk import Disk

from tidegate.clock import SystemClock
from tidegate.core.errors import ApiError
from tidegate.core.lease import LeaseFilter
from tidegate.core.lifecycle import Outcome
from tidegate.core.names import OperationName, QueueName
from tidegate.core.queue import Kind, Queue, RateLimits, RetryConfig
from tidegate.core.target import HttpCall
from tidegate.core.times import Duration, micros
from tidegate.core.validation import HttpDraft, PullDraft, TaskDraft, check_task
from tidegate.engine.bulk import Selection
from tidegate.engine.engine import Engine
from tidegate.engine.long_running import LongRunning
from tidegate.engine.ports.store import StoredQueue, StoreError
from tidegate.engine.ports.world import World
from tidegate.engine.redrive import DeadSelection
from tidegate.ids import RandomIds
from tidegate.storage.sqlite import SqliteStore, check
from tidegate.storage.sqlite import store as sqlite
from tidegate.storage.transaction import StoreTransaction

CUTS = int(os.environ.get("CUTS", "300")) // 3
CUTS_A_RUN = 40
PUSH, PULL = QueueName.of("p", "l", "push"), QueueName.of("p", "l", "pull")
DEADLY = QueueName.of("p", "l", "deadly")
"""Its tasks fail always, and are given up at once."""
BULK = QueueName.of("p", "l", "bulk")
"""A paused queue whose tasks operations put on the shelf, and back."""
BURST = 60
LIMITS = RateLimits(max_dispatches_per_second=0.001, max_burst_size=BURST, max_concurrent_dispatches=5)
AT_ONCE = RetryConfig(min_backoff=Duration(0, 1_000_000), max_backoff=Duration(0, 1_000_000))


@dataclass
class Known(Told):
    """What callers and handlers know at some moment."""

    attempts: dict[str, int] = field(default_factory=dict)
    sent: int = 0
    deadly: set[str] = field(default_factory=set)
    """Tasks that were created in the queue where all fail."""
    bulk: set[str] = field(default_factory=set)
    """Tasks that were created in the queue of operations."""
    held: dict[str, int] = field(default_factory=dict)
    """Until when tasks are leased, in microseconds."""


class Handlers:
    """``ports.Sender``."""

    connections_kept_for = 4.0

    def __init__(self, dice: random.Random, known: Known) -> None:
        self._dice = dice
        self._known = known

    async def send(self, call: HttpCall, authorization: str | None, report: object = None) -> Outcome:
        headers = dict(call.headers)
        task = headers["X-CloudTasks-TaskName"]
        if headers["X-CloudTasks-QueueName"] == DEADLY.queue:
            await asyncio.sleep(self._dice.choice([0, 0.001]))
            return Outcome(http_status=500)
        self._known.sent += 1
        self._known.attempts[task] = int(headers["X-CloudTasks-TaskRetryCount"]) + 1
        await asyncio.sleep(self._dice.choice([0, 0.001]))
        if self._dice.random() < 0.3:
            return Outcome(http_status=500)
        self._known.delivered.add(task)
        return Outcome(http_status=200)

    async def close(self) -> None: ...


def engine_on(store: SqliteStore, handlers: Handlers) -> Engine:
    return Engine(World(store, handlers, Mint(), SystemClock(), SystemClock(), RandomIds(), Notes()))


async def work(engine: Engine, dice: random.Random, known: Known, steps: int) -> None:
    """Call the engine, one call after the other, and note what each is answered."""
    await engine.queues.create(Queue(name=PUSH, rate_limits=LIMITS, retry_config=AT_ONCE))
    await engine.queues.create(Queue(name=PULL, kind=Kind.PULL))
    await engine.queues.create(Queue(name=DEADLY, retry_config=RetryConfig(max_attempts=1)))
    await engine.queues.create(Queue(name=BULK))
    await engine.queues.pause(BULK)
    engine.serve_dead_tasks(lambda _: DeadSelection())
    engine.serve_bulk(lambda _: Selection(chooses=lambda task: True, shelve=True))
    for step in range(steps):
        kind = dice.random()
        if kind < 0.15:
            await asyncio.gather(*[die(engine, known, f"d{step}-{n}") for n in range(dice.randint(1, 4))])
        elif kind < 0.22:
            await redrive(engine, DEADLY)
        elif kind < 0.3:
            await to_the_shelf(engine, dice, known, step)
        elif kind < 0.6:
            await asyncio.gather(*[create(engine, known, PUSH, f"t{step}-{n}") for n in range(dice.randint(1, 4))])
        elif kind < 0.7:
            await create(engine, known, PULL, f"p{step}")
        elif kind < 0.8 and known.created:
            await delete(engine, known, dice.choice(sorted(known.created)))
        elif kind < 0.9:
            leased = await engine.leases.lease(PULL, LeaseFilter(), 1, timedelta(hours=1))
            known.held |= {task.name.task: micros(task.schedule_time) for task in leased}
        elif known.held:
            await acknowledge(engine, known, dice.choice(sorted(known.held)))
        await asyncio.sleep(dice.choice([0, 0.002]))


async def create(engine: Engine, known: Known, queue: QueueName, task: str) -> None:
    target = PullDraft(b"x" * 2000) if queue == PULL else HttpDraft("http://handler.test/", body=b"x" * 2000)
    draft = TaskDraft(name=f"{queue}/tasks/{task}", target=target)
    await engine.tasks.create(queue, check_task(draft, queue, engine.clock.now()))
    known.created.add(task)


async def die(engine: Engine, known: Known, task: str) -> None:
    draft = TaskDraft(name=f"{DEADLY}/tasks/{task}", target=HttpDraft("http://handler.test/", body=b"x" * 2000))
    await engine.tasks.create(DEADLY, check_task(draft, DEADLY, engine.clock.now()))
    known.deadly.add(task)


async def to_the_shelf(engine: Engine, dice: random.Random, known: Known, step: int) -> None:
    """Have an operation put tasks on the shelf, and perhaps another one bring them back."""
    await asyncio.gather(*[put(engine, known, f"b{step}-{n}") for n in range(dice.randint(1, 4))])
    await done(engine, await engine.long_running.begin("BulkDeleteTasks", BULK, b""))
    if dice.random() < 0.5:
        await redrive(engine, BULK)


async def put(engine: Engine, known: Known, task: str) -> None:
    draft = TaskDraft(name=f"{BULK}/tasks/{task}", target=HttpDraft("http://handler.test/", body=b"x" * 2000))
    await engine.tasks.create(BULK, check_task(draft, BULK, engine.clock.now()))
    known.bulk.add(task)


async def redrive(engine: Engine, queue: QueueName) -> None:
    """Drive all that lie on the shelf into their queue again."""
    await done(engine, await engine.long_running.begin("RedriveDeadTasks", queue, b""))


async def done(engine: Engine, operation: LongRunning) -> None:
    while not (await engine.long_running.get(OperationName(operation.name))).done:  # noqa: ASYNC110 - a step takes 20 ms
        await asyncio.sleep(0.001)


async def delete(engine: Engine, known: Known, task: str) -> None:
    known.removal_asked.add(task)
    known.held.pop(task, None)
    try:
        await engine.tasks.delete((PULL if task.startswith("p") else PUSH).task(task))
    except ApiError:
        return
    known.removed.add(task)


async def acknowledge(engine: Engine, known: Known, task: str) -> None:
    known.removal_asked.add(task)
    until = known.held.pop(task)
    await engine.leases.acknowledge(PULL.task(task), (until // 1_000_000, until % 1_000_000 * 1000))
    known.removed.add(task)


async def broken_by(folder: Path, files: dict[str, bytes], known: Known) -> list[str]:
    """The promises that a store breaks which is opened on what a cut left."""
    folder.mkdir()  # noqa: ASYNC240 - nothing else runs on this loop
    for name, content in files.items():
        if not name.endswith("-shm"):
            (folder / name).write_bytes(content)
    async with opened(folder / "t.db") as store:
        push, pull = await store.read(lambda tx: tx.queue(PUSH)), await store.read(lambda tx: tx.queue(PULL))
        there: dict[str, Any] = {}
        for queue in (push, pull):
            if queue is not None:
                tasks = await store.read(lambda tx, queue=queue: tx.tasks(queue, "", 10_000, body=True))  # type: ignore[misc]
                there |= {task.name.task: task for task in tasks}
        broken = [f"lost {task}" for task in known.lost(set(there))]
        broken += [f"{task} came back" for task in known.returned(set(there))]
        broken += [
            f"attempt {attempt} of {task} was sent and is not counted"
            for task, attempt in known.attempts.items()
            if task in there and there[task].dispatch_count < attempt
        ]
        broken += [
            f"the lease of {task} is forgotten"
            for task, until in known.held.items()
            if task in there and micros(there[task].schedule_time) < until
        ]
        broken += [f"{task} is not whole" for task, each in there.items() if each.body != b"x" * 2000]
        if push is not None and push.flow.bucket.tokens > BURST - known.sent + 0.1:
            broken.append(f"{known.sent} were sent, and {push.flow.bucket.tokens} tokens are left of {BURST}")
        broken += await astray(store, DEADLY, known.deadly, attempts=1)
        broken += await astray(store, BULK, known.bulk, attempts=0)
        now = SystemClock().now()
        await store.write(lambda tx: tx.release(0, now, 100))
        for queue in filter(None, (push, pull)):
            tasks = await store.read(lambda tx, queue=queue: tx.tasks(queue, "", 10_000, body=False))  # type: ignore[misc]
            broken += [f"{task.name} is under way for ever" for task in tasks if task.dispatched_at is not None]
    return broken + check(folder / "t.db")


async def astray(store: SqliteStore, queue: QueueName, known: set[str], attempts: int) -> list[str]:
    """Tasks of a queue that are neither there nor on its shelf, or both, or twice on it, or there without so many
    attempts.
    """
    stored = await store.read(lambda tx: tx.queue(queue))
    if stored is None:
        return [f"{task} is nowhere" for task in known]
    waiting = await store.read(lambda tx: tx.tasks(stored, "", 10_000, body=False))
    bare = await store.read(lambda tx: tx.dead_tasks(stored, 10_000))
    dead = await store.read(lambda tx: tx.dead_tasks_by_id(stored, [each.id for each in bare], whole=True))
    places = Counter([task.name.task for task in waiting] + [each.task.name.task for each in dead])
    broken = [f"{task} is nowhere" for task in known if not places[task]]
    broken += [f"{task} is in {count} places" for task, count in places.items() if count > 1]
    broken += [f"{each.task.name} is not whole" for each in dead if each.task.body != b"x" * 2000]
    broken += [f"{each.task.name} lacks its attempts" for each in dead if len(each.attempts) != attempts]
    tally = await store.read(lambda tx: tx.shelf(stored))
    if (tally.tasks, tally.size) != (len(bare), sum(each.size for each in bare)):
        broken.append(f"the shelf counts {tally}, and has {len(bare)}")
    return broken


async def cuts_of(seed: int, folder: Path, most: int) -> tuple[int, list[str]]:
    """Let an engine work, cutting the power as it goes: how often it was cut, and what was broken then."""
    dice = random.Random(seed)
    folder.mkdir()  # noqa: ASYNC240 - nothing else runs on this loop
    known, torn = Known(), random.Random(seed)
    cuts: Cuts[tuple[Known, dict[str, bytes]]] = Cuts(random.Random(seed), most)
    broken = []
    with closing(Disk()) as disk:
        async with opened(folder / "t.db", vfs=disk.name) as store:
            disk.watch = lambda: cuts.moment(lambda: (known.copy(), disk.cut(torn)))
            engine = engine_on(store, Handlers(dice, known))
            await engine.start()
            await work(engine, dice, known, 15)
            await engine.stop(timedelta(seconds=60))
            disk.watch = lambda: None
            for number, (then, files) in enumerate(cuts.chosen):
                found = await broken_by(folder / f"{number}", files, then)
                broken += [f"seed {seed}, cut {number}: {each}" for each in found]
    return len(cuts.chosen), broken


@pytest.mark.timeout(120 + CUTS)
async def test_after_a_power_cut_the_engine_has_done_what_it_said(tmp_path: Path) -> None:
    done, seed = 0, 0
    counts: Counter[str] = Counter(cuts=0, violations=0)
    try:
        while done < CUTS:
            cuts, broken = await cuts_of(seed, tmp_path / f"{seed}", min(CUTS_A_RUN, CUTS - done))
            done, seed = done + cuts, seed + 1
            counts.update(cuts=cuts, violations=len(broken))
            assert broken == []
    finally:
        note("engine cuts", cuts=counts["cuts"], violations=counts["violations"])


async def whether_caught(folder: Path) -> bool:
    for seed in range(5):
        try:
            _, broken = await cuts_of(seed, folder / f"{seed}", 30)
        except StoreError:
            return True
        if broken:
            return True
    return False


async def test_the_cuts_would_find_an_engine_that_does_not_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "SYNCHRONOUS", "OFF")
    assert await whether_caught(tmp_path)


async def test_the_cuts_would_find_tokens_that_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_flows = StoreTransaction.save_flows

    def full(stored: StoredQueue, flow: Any) -> Any:
        return replace(flow, bucket=replace(flow.bucket, tokens=float(stored.queue.rate_limits.max_burst_size)))

    def forgets(self: Any, flows: Any) -> None:
        save_flows(self, [(stored, full(stored, flow)) for stored, flow in flows])

    monkeypatch.setattr(StoreTransaction, "save_flows", forgets)
    assert await whether_caught(tmp_path)


async def test_the_cuts_would_find_a_shelf_that_is_written_apart_from_the_removal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelve = StoreTransaction.shelve

    def late(self: Any, queue: StoredQueue, dead: Any, most: Any) -> set[str]:
        # Written with the next one that dies.
        waiting = self.__dict__.setdefault("late", [])
        for each in waiting:
            shelve(self, *each)
        waiting[:] = [(queue, dead, most)]
        return {each.task.name.task for each in dead}

    monkeypatch.setattr(StoreTransaction, "shelve", late)
    assert await whether_caught(tmp_path)
