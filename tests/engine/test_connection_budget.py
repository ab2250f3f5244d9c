"""Thousands of attempts that need connections of their own start a few at a time, and keep nobody waiting."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from msgspec.structs import replace
from tests.engine.twice import TwiceStore
from tests.engine.worlds import Mint, Notes
from tests.ids import CountingIds
from tests.simulation.virtual_time import VirtualClock, run

from tidegate.core.lifecycle import Outcome
from tidegate.core.names import QueueName
from tidegate.core.queue import HttpTarget, Queue, RateLimits, UriOverride
from tidegate.core.target import HttpCall
from tidegate.core.task import AppEngineRequest, HttpRequest, Task
from tidegate.core.validation import HttpDraft, TaskDraft, check_task
from tidegate.engine import records, scheduler
from tidegate.engine.claims import Claim
from tidegate.engine.connection_budget import EVERY, SLICE, ConnectionBudget, handler_of
from tidegate.engine.engine import Engine
from tidegate.engine.ports.store import Transaction
from tidegate.engine.ports.world import World

T = TypeVar("T")
HOGS = [QueueName.of("p", "l", f"hog{n}") for n in range(40)]
POLITE = QueueName.of("p", "l", "polite")
Q = POLITE
UNBOUND = RateLimits(1_000_000, 1_000_000, 1_000_000)

HANDLER = "handler.test"
KEPT_FOR = 4.0
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def standing(budget: ConnectionBudget) -> tuple[int, int]:
    """Idle connections of the queue, and of its handler."""
    return budget.usable(Q), budget.idle(HANDLER)


def a_task(target: HttpRequest | AppEngineRequest) -> Task:
    return Task(name=Q.task("t"), target=target, schedule_time=NOON, create_time=NOON)


class Handlers:
    """``ports.Sender``: polite calls are answered at once, the others when they are let go. Notes when calls came."""

    connections_kept_for = 4.0

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.at: dict[str, list[float]] = {}

    async def send(self, call: HttpCall, authorization: str | None, report: object = None) -> Outcome:
        headers = dict(call.headers)
        queue, now = headers["X-CloudTasks-QueueName"], asyncio.get_running_loop().time()
        self.at.setdefault(queue, []).append(now)
        if queue != POLITE.queue:
            await self.go.wait()
        return Outcome(http_status=200)

    async def close(self) -> None: ...


class CountingStore(TwiceStore):
    """Counts the tasks of each claim."""

    def __init__(self) -> None:
        super().__init__()
        self.claimed: list[int] = []

    async def write(self, work: Callable[[Transaction], T], **queues: Any) -> T:
        answer = await super().write(work, **queues)
        if isinstance(answer, list) and answer and isinstance(answer[0], Claim):
            self.claimed.append(sum(len(each.tasks) for each in answer))
        return answer


async def engine(handlers: Handlers, *queues: QueueName) -> tuple[Engine, CountingStore]:
    store = CountingStore()
    engine = Engine(World(store, handlers, Mint(), VirtualClock(), VirtualClock(), CountingIds(), Notes()))
    await engine.start()
    for name in queues:
        await engine.queues.create(Queue(name=name, rate_limits=UNBOUND))
    return engine, store


async def fill(engine: Engine, name: QueueName, count: int, due: datetime | None = None) -> None:
    now = engine.clock.now()
    draft = TaskDraft(target=HttpDraft("http://handler.test/"))
    new = replace(check_task(draft, name, now), schedule_time=due or now)
    await asyncio.gather(*[engine.tasks.create(name, new) for _ in range(count)])


def test_attempts_start_as_connections_may_be_opened_and_others_find_their_way_between_them() -> None:
    async def day() -> None:
        handlers = Handlers()
        world, _ = await engine(handlers, *HOGS, POLITE)
        await fill(world, POLITE, 3)
        await asyncio.sleep(1)
        start, due = asyncio.get_running_loop().time(), world.clock.now() + timedelta(seconds=1)
        for name in HOGS:
            await fill(world, name, 50, due)
        for number in range(40):
            await fill(world, POLITE, 1, due + number * timedelta(milliseconds=5))
        await asyncio.sleep(1.01)
        begun = sum(len(handlers.at.get(name.queue, ())) for name in HOGS)
        assert SLICE <= begun <= 4 * SLICE
        await asyncio.sleep(1)

        moments = Counter(int((at - start) / EVERY) for name in HOGS for at in handlers.at[name.queue])
        assert sum(moments.values()) == 2000
        # The ends of two slices may fall into one of ours; and the polite queue left three connections.
        assert max(moments.values()) <= 2 * SLICE + 3
        late = [at - start - 1 - n * 0.005 for n, at in enumerate(sorted(handlers.at[POLITE.queue])[3:])]
        assert min(late) >= -1e-9  # sums of floats
        assert max(late) <= 2 * EVERY
        handlers.go.set()
        await asyncio.sleep(1)
        await world.stop()

    run(day())


def test_queues_that_wait_for_connections_take_turns() -> None:
    async def day() -> None:
        handlers = Handlers()
        world, _ = await engine(handlers, *HOGS)
        due = world.clock.now() + timedelta(seconds=1)
        for name in HOGS:
            await fill(world, name, 50, due)
        await asyncio.sleep(1.2)
        begun = [len(handlers.at[name.queue]) for name in HOGS]
        assert max(begun) - min(begun) <= 1
        assert sum(begun) < 2000
        handlers.go.set()
        await asyncio.sleep(10)
        await world.stop()

    run(day())


def test_connections_that_stand_are_used_again_without_waiting() -> None:
    async def day() -> None:
        handlers = Handlers()
        world, store = await engine(handlers, HOGS[0])
        await fill(world, HOGS[0], 1500)
        await asyncio.sleep(10)
        handlers.go.set()
        await asyncio.sleep(1)  # 1,500 answered
        store.claimed.clear()
        await fill(world, HOGS[0], 1500, world.clock.now() + timedelta(seconds=1))
        await asyncio.sleep(1.001)
        assert len(handlers.at[HOGS[0].queue]) == 3000
        assert max(store.claimed) <= scheduler.CLAIM_BATCH
        await world.stop()

    run(day())


def test_what_ends_at_once_is_recorded_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    parts: list[int] = []
    record = records.record

    def counting(tx: Transaction, ended: list[records.Ended], **rules: Any) -> records.RecordedBatch:
        parts.append(len(ended))
        return record(tx, ended, **rules)

    monkeypatch.setattr(records, "record", counting)

    async def day() -> None:
        handlers = Handlers()
        world, _ = await engine(handlers, HOGS[0])
        await fill(world, HOGS[0], 1500)
        await asyncio.sleep(10)
        handlers.go.set()
        await asyncio.sleep(10)
        assert sum(parts) == 2 * 1500  # all work runs twice
        assert max(parts) <= records.RECORDED_AT_ONCE
        assert len(await world.tasks.list(HOGS[0], "", 10, body=False)) == 0
        await world.stop()

    run(day())


def test_a_connection_is_forgotten_when_nobody_used_it_for_a_while() -> None:
    budget = ConnectionBudget(KEPT_FOR)
    for _ in range(5):
        budget.started(Q, HANDLER)
        budget.ended(Q, HANDLER, answered=True)
    budget.started(Q, HANDLER)
    budget.ended(Q, HANDLER, answered=False)
    assert standing(budget) == (0, 0)
    for _ in range(5):
        budget.started(Q, HANDLER)
    for _ in range(5):
        budget.ended(Q, HANDLER, answered=True)
    assert standing(budget) == (5, 5)
    budget.left(KEPT_FOR)
    budget.started(Q, HANDLER)
    budget.ended(Q, HANDLER, answered=True)
    budget.left(2 * KEPT_FOR)
    assert standing(budget) == (1, 1)  # the same one, again and again
    budget.left(3 * KEPT_FOR)
    assert standing(budget) == (0, 0)


@pytest.mark.parametrize("kept_for", [1.0, 30.0])
def test_an_engine_counts_a_connection_for_as_long_as_its_sender_keeps_it(kept_for: float) -> None:
    async def day() -> None:
        handlers = Handlers()
        handlers.connections_kept_for = kept_for
        world, _ = await engine(handlers, POLITE)

        async def counted() -> int:
            await fill(world, POLITE, 1)  # the budget looks when something is due
            await asyncio.sleep(0.1)
            return world.under_way.connections.idle(HANDLER)

        await fill(world, POLITE, 5)
        await asyncio.sleep(0.1)
        assert await counted() == 5
        await asyncio.sleep(kept_for * 0.5)
        assert await counted() == 5
        for _ in range(2):
            await asyncio.sleep(kept_for)
            left = await counted()
        assert left == 1  # the one that is used again and again
        await world.stop()

    run(day())


def test_a_new_queue_finds_the_connections_that_others_left_with_its_handler() -> None:
    budget = ConnectionBudget(KEPT_FOR)
    for _ in range(SLICE):
        budget.started(Q, HANDLER)
    for _ in range(SLICE):
        budget.ended(Q, HANDLER, answered=True)
    before = budget.left(EVERY)
    budget.started(HOGS[0], HANDLER)
    assert budget.left(EVERY) == before  # nothing had to be opened
    assert budget.idle(budget.handler(HOGS[0])) == SLICE - 1
    assert budget.usable(Q) == SLICE  # and who has its own does not lose them
    budget.started(HOGS[1], "elsewhere.test")
    assert budget.left(EVERY) == before - 1


def test_a_claim_counts_on_connections_that_come_back_as_they_did_during_the_one_before() -> None:
    budget = ConnectionBudget(KEPT_FOR)
    for _ in range(10):
        budget.started(Q, HANDLER)
    budget.claims(Q)
    for _ in range(4):
        budget.ended(Q, HANDLER, answered=True)
    assert budget.usable(Q) == 4 + 4
    budget.claims(Q)
    assert budget.usable(Q) == 4
    for _ in range(5):
        budget.ended(Q, HANDLER, answered=True)
    assert budget.usable(Q) == 9 + 1  # only one is under way
    budget.ended(Q, HANDLER, answered=False)
    assert budget.usable(Q) == 9


@pytest.mark.parametrize(
    ("url", "handler"),
    [("http://one.test", "one.test"), ("https://one.test:8443/a/b", "one.test:8443"), ("http://[::1]:80/", "[::1]:80")],
)
def test_attempts_for_one_host_share_their_connections(url: str, handler: str) -> None:
    assert handler_of(Queue(name=Q), a_task(HttpRequest(url=url))) == handler


def test_attempts_whose_host_the_queue_or_app_engine_says_share_those_of_their_queue() -> None:
    overridden = Queue(name=Q, http_target=HttpTarget(uri_override=UriOverride(host="two.test")))
    assert handler_of(overridden, a_task(HttpRequest(url="http://one.test/"))) == Q
    assert handler_of(Queue(name=Q), a_task(AppEngineRequest())) == Q


def test_connections_are_opened_in_slices() -> None:
    budget = ConnectionBudget(KEPT_FOR)
    assert budget.left(EVERY) == SLICE
    for _ in range(SLICE + 3):  # three of them forced
        budget.started(Q, HANDLER)
    assert budget.left(1.5 * EVERY) == 0
    assert 0 < budget.wait(1.5 * EVERY) <= EVERY
    assert budget.left(2 * EVERY) == SLICE
