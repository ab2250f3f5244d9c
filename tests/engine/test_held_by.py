"""The scheduler tells what keeps a queue from starting its next attempt, since when and until when."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from msgspec.structs import replace
from tests.engine.twice import TwiceStore
from tests.engine.worlds import Mint, Network, Notes
from tests.ids import CountingIds
from tests.simulation.virtual_time import START, VirtualClock, run

from tidegate.core.lifecycle import Outcome
from tidegate.core.names import QueueName
from tidegate.core.queue import Kind, Queue, RateLimits, State
from tidegate.core.target import HttpCall
from tidegate.core.times import SECOND
from tidegate.core.validation import HttpDraft, TaskDraft, check_task
from tidegate.engine import body_budget, under_way
from tidegate.engine.connection_budget import EVERY, SLICE
from tidegate.engine.engine import Engine
from tidegate.engine.held_by import HeldBy, HoldCode
from tidegate.engine.operator_rules import OperatorRules
from tidegate.engine.ports.store import StoreError, StoreFullError, Transaction
from tidegate.engine.ports.world import World

T = TypeVar("T")
QUEUE = QueueName.of("p", "l", "q")
FAST = RateLimits(1000, 1000, 1000)


class Store(TwiceStore):
    """Commits take a millisecond, and fail with ``error`` if there is one."""

    error: StoreError | None = None

    async def write(self, work: Callable[[Transaction], T], **queues: Any) -> T:
        await asyncio.sleep(0.001)
        if self.error is not None:
            raise self.error
        return await super().write(work, **queues)


class HangingNetwork(Network):
    """Every call hangs until ``go`` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()

    async def send(self, call: HttpCall, authorization: str | None, report: object = None) -> Outcome:
        await self.go.wait()
        return await super().send(call, authorization)


class Life:
    """A started engine in virtual time, with one queue."""

    def __init__(self, rules: OperatorRules) -> None:
        self.store, self.network, self.clock = Store(), HangingNetwork(), VirtualClock()
        self.engine = Engine(
            World(self.store, self.network, Mint(), self.clock, self.clock, CountingIds(), Notes()), rules
        )

    @property
    def held(self) -> HeldBy:
        return self.engine.scheduler.view(QUEUE)

    async def create(self, count: int = 1, ahead: float = 0.0, body: bytes = b"") -> None:
        now = self.clock.now()
        new = check_task(TaskDraft(target=HttpDraft("http://handler.test/", body=body)), QUEUE, now)
        new = replace(new, schedule_time=now + timedelta(seconds=ahead))
        await asyncio.gather(*[self.engine.tasks.create(QUEUE, new) for _ in range(count)])


def lived(
    story: Callable[[Life], Awaitable[None]],
    limits: RateLimits = FAST,
    rules: OperatorRules | None = None,
    kind: Kind = Kind.PUSH,
) -> None:
    async def day() -> None:
        life = Life(rules or OperatorRules())
        await life.engine.start()
        await life.engine.queues.create(Queue(name=QUEUE, rate_limits=limits, kind=kind))
        await asyncio.sleep(1)
        await story(life)
        life.network.go.set()
        await life.engine.stop(timedelta(seconds=10))

    run(day())


def test_nothing_is_due_in_an_empty_queue_nor_before_the_first_schedule_time() -> None:
    async def story(life: Life) -> None:
        assert life.held == HeldBy(HoldCode.NOTHING_DUE)
        due = life.clock.now() + 90 * SECOND
        await life.create(ahead=90)
        assert life.held == HeldBy(HoldCode.NOTHING_DUE, until=due)

    lived(story)


def test_a_queue_waits_for_its_next_token() -> None:
    async def story(life: Life) -> None:
        life.network.go.set()
        await life.create(3)
        await asyncio.sleep(0.1)
        held = life.held
        assert held.code is HoldCode.RATE_LIMITED
        assert held.since is not None
        assert held.until is not None
        sent = len(life.network.calls)
        await asyncio.sleep((held.until - life.clock.now()) / SECOND - 0.01)
        assert len(life.network.calls) == sent
        await asyncio.sleep(0.02)
        assert len(life.network.calls) == sent + 1
        assert life.held.code is HoldCode.RATE_LIMITED
        assert life.held.since == held.since  # all the time

    lived(story, RateLimits(0.1, 1, 10))


def test_a_queue_is_throttled_since_its_handlers_asked_for_room() -> None:
    async def story(life: Life) -> None:
        life.network.answer = lambda _: Outcome(503)
        life.network.go.set()
        await life.create()
        await asyncio.sleep(0.1)
        await life.create(60)
        await asyncio.sleep(0.1)
        assert life.held.code is HoldCode.THROTTLED
        assert life.held.since is not None
        assert life.held.since >= START + SECOND
        assert life.held.until is not None

    lived(story, RateLimits(2, 2, 100))


def test_a_fast_queue_that_begins_ramps_up() -> None:
    async def story(life: Life) -> None:
        life.network.go.set()
        await life.create(1500)
        codes = set()
        for _ in range(300):
            await asyncio.sleep(0.002)
            codes.add(life.held.code)
        assert HoldCode.RAMPING_UP in codes
        assert HoldCode.RATE_LIMITED not in codes

    lived(story, RateLimits(5000, 1000, 5000), OperatorRules(ramp_up=True))


def test_a_queue_with_all_its_attempts_under_way_waits_for_one_to_end() -> None:
    async def story(life: Life) -> None:
        began = life.clock.now()
        await life.create(3)
        await asyncio.sleep(10)
        assert (life.held.code, life.held.until) == (HoldCode.CONCURRENCY_FULL, None)
        assert life.held.since is not None
        assert life.held.since <= began + SECOND
        life.network.go.set()
        await asyncio.sleep(1)
        assert life.held == HeldBy(HoldCode.NOTHING_DUE)

    lived(story, RateLimits(1000, 1000, 2))


def test_a_long_body_waits_for_room_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_budget, "BULK_LIMIT", 100_000)

    async def story(life: Life) -> None:
        await life.create(4, body=b"x" * 20_000)
        await asyncio.sleep(10)
        assert (life.held.code, life.held.until) == (HoldCode.BODIES_FULL, None)
        life.network.go.set()
        await asyncio.sleep(1)
        assert len(life.network.calls) == 4
        assert life.held == HeldBy(HoldCode.NOTHING_DUE)

    lived(story)


def test_a_queue_that_does_not_dispatch_says_why() -> None:
    async def paused(life: Life) -> None:
        await life.engine.queues.pause(QUEUE)
        await asyncio.sleep(0.1)
        since = life.held.since
        await life.create()
        await asyncio.sleep(60)
        assert since is not None
        assert life.held == HeldBy(HoldCode.QUEUE_PAUSED, since)
        await life.engine.queues.resume(QUEUE)
        await asyncio.sleep(1)
        assert life.held == HeldBy(HoldCode.NOTHING_DUE)

    lived(paused)

    async def disabled(life: Life) -> None:
        await life.engine.queues.update(QUEUE, lambda queue: replace(queue or Queue(name=QUEUE), state=State.DISABLED))
        await asyncio.sleep(1)
        assert life.held.code is HoldCode.QUEUE_DISABLED

    lived(disabled)

    async def pull(life: Life) -> None:
        assert life.held.code is HoldCode.PULL_QUEUE

    lived(pull, kind=Kind.PULL)


def test_attempts_that_need_connections_wait_until_some_may_be_opened() -> None:
    async def story(life: Life) -> None:
        began = life.clock.now()
        await life.create(5 * SLICE)
        held = life.held
        while held.code is not HoldCode.OPENING_CONNECTIONS:
            await asyncio.sleep(0.0005)
            held = life.held
        assert held.since is not None
        assert held.until is not None
        assert began <= held.since <= life.clock.now() < held.until <= life.clock.now() + timedelta(seconds=EVERY)

    lived(story)


def test_a_process_with_as_many_attempts_as_it_carries_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_way, "MOST_ATTEMPTS", 3)

    async def story(life: Life) -> None:
        await life.create(5)
        await asyncio.sleep(5)
        assert life.held == HeldBy(HoldCode.SERVER_FULL)
        life.network.go.set()
        await asyncio.sleep(5)
        assert len(life.network.calls) == 5

    lived(story)


@pytest.mark.parametrize(
    ("error", "code"),
    [(StoreError("broken"), HoldCode.STORE_FAILING), (StoreFullError("full"), HoldCode.DISK_FULL)],
)
def test_while_the_store_takes_no_claim_every_queue_is_held(error: StoreError, code: HoldCode) -> None:
    async def story(life: Life) -> None:
        await life.create(ahead=2)
        life.store.error = error
        await asyncio.sleep(2.5)
        first = life.held
        await asyncio.sleep(3)
        assert (life.held.code, life.held.since) == (code, first.since)
        assert life.held.until is not None
        assert life.held.until > life.clock.now()
        life.store.error = None
        await asyncio.sleep(2)
        assert life.held == HeldBy(HoldCode.NOTHING_DUE)

    lived(story)


def test_a_process_that_stops_holds_all_queues() -> None:
    async def story(life: Life) -> None:
        await life.create()
        stopping = asyncio.ensure_future(life.engine.stop(5 * SECOND))
        await asyncio.sleep(1)
        assert life.held.code is HoldCode.DRAINING
        await stopping
        await life.engine.start()  # for the end of the day to stop

    lived(story)


def test_nothing_holds_a_queue_that_is_gone() -> None:
    async def deleted(life: Life) -> None:
        await life.engine.queues.pause(QUEUE)
        await asyncio.sleep(1)
        await life.engine.queues.delete(QUEUE)
        await asyncio.sleep(1)
        assert life.held == HeldBy(HoldCode.NOTHING_DUE)

    lived(deleted)

    async def reset(life: Life) -> None:
        await life.engine.queues.pause(QUEUE)
        await asyncio.sleep(1)
        await life.engine.reset()
        assert life.held == HeldBy(HoldCode.NOTHING_DUE)

    lived(reset)
