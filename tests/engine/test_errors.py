"""An error that nobody expected is logged where it happens, and costs no more than what it hit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from tests.engine.twice import TwiceStore
from tests.engine.worlds import SECOND, Mint, Network, Notes
from tests.ids import CountingIds
from tests.simulation.virtual_time import VirtualClock, run

from tidegate.core.names import QueueName
from tidegate.core.queue import Queue, RateLimits
from tidegate.core.validation import HttpDraft, TaskDraft, check_task
from tidegate.engine import records
from tidegate.engine.body_budget import FORCED_BULK, BodyBudget
from tidegate.engine.claims import Claim
from tidegate.engine.engine import Engine
from tidegate.engine.janitor import Swept
from tidegate.engine.ports.store import Reader, Transaction
from tidegate.engine.ports.world import World
from tidegate.engine.records import RecordedBatch

T = TypeVar("T")
QUEUES = [QueueName.of("p", "l", name) for name in ("a", "b")]


class FailingStore(TwiceStore):
    """A store in which transactions fail after their work when ``fails`` says so of the answer."""

    def __init__(self) -> None:
        super().__init__()
        self.fails: Callable[[Any], bool] = lambda answer: False

    async def write_once(self, work: Callable[[Transaction], T], **queues: Any) -> T:
        def failing(tx: Transaction) -> T:
            answer = work(tx)
            if self.fails(answer):
                raise ValueError("nobody expected this")
            return answer

        return await super().write_once(failing)


class Life:
    """An engine with two queues, in virtual time."""

    def __init__(self) -> None:
        self.store, self.clock = FailingStore(), VirtualClock()
        self.network = Network()
        world = World(self.store, self.network, Mint(), self.clock, self.clock, CountingIds(), Notes())
        self.engine = Engine(world)

    async def start(self, limits: RateLimits | None = None) -> None:
        await self.engine.start()
        for name in QUEUES:
            await self.engine.queues.create(Queue(name=name, rate_limits=limits or RateLimits()))

    async def create(self, queue: QueueName, ahead: float = 0.0, body: bytes = b"") -> None:
        due = self.clock.now() + timedelta(seconds=ahead)
        draft = TaskDraft(
            target=HttpDraft("http://handler.test/", body=body),
            schedule_time=(int(due.timestamp()), due.microsecond * 1000),
        )
        await self.engine.tasks.create(queue, check_task(draft, queue, self.clock.now()))

    @property
    def sent(self) -> list[str]:
        return [dict(call.headers)["X-CloudTasks-QueueName"] for call, _ in self.network.calls]

    async def waiting(self) -> int:
        """How many tasks are stored."""

        def count(tx: Reader) -> int:
            return sum(tally.tasks for tally in tx.tallies(tx.queues("projects/p/locations/l", "", 9)))

        return await self.store.read(count)


def lived(story: Callable[[Life], Awaitable[None]], limits: RateLimits | None = None) -> None:
    async def day() -> None:
        life = Life()
        await life.start(limits)
        await story(life)
        await life.engine.stop()

    run(day())


def tracebacks(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.exc_info]


def once(matches: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Say so of the first answer that matches."""
    left = [True]
    return lambda answer: bool(left) and matches(answer) and left.pop()


def is_claim(answer: Any) -> bool:
    return isinstance(answer, list) and bool(answer) and isinstance(answer[0], Claim)


def test_tasks_of_a_claim_that_failed_are_claimed_again(caplog: pytest.LogCaptureFixture) -> None:
    async def story(life: Life) -> None:
        life.store.fails = once(is_claim)
        for name in QUEUES:
            await life.create(name, ahead=5)
        await life.clock.sleep(5.5)
        assert life.sent == []
        assert tracebacks(caplog) == ["the scheduler failed; it goes on in 1 s"]
        await life.clock.sleep(1)
        assert sorted(life.sent) == ["a", "b"]
        assert await life.waiting() == 0

    lived(story)


def test_attempts_that_cannot_be_started_keep_no_other_queue_from_its_own(caplog: pytest.LogCaptureFixture) -> None:
    async def story(life: Life) -> None:
        start = life.engine.under_way.connections.started

        def started(queue: QueueName, handler: str) -> None:
            if queue == QUEUES[0]:
                raise ValueError("nobody expected this")
            start(queue, handler)

        life.engine.under_way.connections.started = started  # type: ignore[method-assign]
        for ahead in (5, 6):
            for name in QUEUES:
                await life.create(name, ahead=ahead)
        await life.clock.sleep(10)
        assert life.sent == ["b", "b"]
        said = "cannot start attempts of projects/p/locations/l/queues/a before the next start"
        assert tracebacks(caplog) == [said] * 2

    lived(story)


def test_the_janitor_goes_on_after_a_step_that_failed(caplog: pytest.LogCaptureFixture) -> None:
    async def story(life: Life) -> None:
        sweeps: list[Any] = []

        def fails(answer: Any) -> bool:
            if not isinstance(answer, Swept):
                return False
            sweeps.append(answer)
            return len(sweeps) == 1

        life.store.fails = fails
        await life.clock.sleep(20)
        assert len(sweeps) > 1
        assert tracebacks(caplog) == ["the janitor failed; it goes on in 1 s"]

    lived(story)


def test_a_stop_records_what_is_under_way_whatever_became_of_the_scheduler() -> None:
    async def day() -> None:
        life = Life()
        await life.start()
        await life.create(QUEUES[0])
        for part in life.engine._running.values():
            part.cancel()
        await life.engine.stop(SECOND)
        assert life.sent == ["a"]
        assert await life.waiting() == 0

    run(day())


def is_record(answer: Any) -> bool:
    return isinstance(answer, RecordedBatch)


def test_outcomes_that_cannot_be_recorded_together_are_recorded_one_by_one(caplog: pytest.LogCaptureFixture) -> None:
    async def story(life: Life) -> None:
        life.store.fails = once(is_record)
        for name in QUEUES:
            await life.create(name, ahead=5)
        await life.clock.sleep(10)
        assert await life.waiting() == 0
        assert tracebacks(caplog) == ["cannot record 2 attempts together"]

    lived(story)


def test_an_outcome_that_cannot_be_recorded_holds_no_place_and_no_memory(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("nobody expected this")

    async def story(life: Life) -> None:
        monkeypatch.setattr(records, "judge", fail)
        for _ in range(3):
            await life.create(QUEUES[0], body=bytes(FORCED_BULK + 1))
        await life.clock.sleep(10)
        assert life.sent == ["a"] * 3
        assert await life.waiting() == 3
        stored = await life.store.read(lambda tx: tx.queue(QUEUES[0]))
        assert stored is not None
        assert stored.flow.in_flight == 0
        assert life.engine.under_way.bodies.room(QUEUES[0]) == BodyBudget().room(QUEUES[0])
        said = tracebacks(caplog)
        assert len(said) == 3
        assert "its task is due again at the next start" in said[0]

    lived(story, RateLimits(100, 100, 1))


def test_an_error_in_what_follows_a_record_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def fail(*_: object) -> None:
        raise ValueError("nobody expected this")

    async def story(life: Life) -> None:
        life.engine.scheduler.ended = fail  # type: ignore[method-assign, assignment]
        await life.create(QUEUES[0])
        await life.clock.sleep(1)
        assert await life.waiting() == 0
        assert tracebacks(caplog) == ["recording 1 attempts failed"]

    lived(story)
