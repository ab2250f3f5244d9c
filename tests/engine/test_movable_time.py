"""A test moves the engine's clock: what is due by then runs, and nothing else notices."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace
from tests.engine.twice import TwiceStore
from tests.engine.worlds import MINUTE, SECOND, START, Mint, Network, Notes
from tests.ids import CountingIds
from tests.simulation.virtual_time import VirtualClock, run

from tidegate.core.errors import FailedPrecondition, InvalidArgument, NotFound
from tidegate.core.lifecycle import Outcome
from tidegate.core.names import ProjectName, QueueName
from tidegate.core.queue import Kind, Queue, RateLimits, RetryConfig
from tidegate.core.target import HttpCall
from tidegate.core.times import Duration
from tidegate.core.validation import HttpDraft, PullDraft, TaskDraft, check_task
from tidegate.engine.engine import Engine
from tidegate.engine.idle_run import IdleRun, IdleRuns
from tidegate.engine.movable_clock import MovableClock
from tidegate.engine.operator_rules import OperatorRules
from tidegate.engine.ports.events import AttemptEnded, AttemptStarted
from tidegate.engine.ports.world import World
from tidegate.engine.time_control import KIND, NAME, TimeControl, kept_setting

QUEUE = QueueName.of("p", "l", "q")
OTHER = QueueName.of("p", "l", "other")
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class HangingNetwork(Network):
    """A call takes ``seconds`` of machine time."""

    seconds = 0.001

    async def send(self, call: HttpCall, authorization: str | None, report: object = None) -> Outcome:
        await asyncio.sleep(self.seconds)
        return await super().send(call, authorization)


class Life:
    """A started engine whose wall clock can be moved, with one queue; machine time is the loop's own."""

    def __init__(self, store: TwiceStore | None = None) -> None:
        self.store, self.network, self.notes = store or TwiceStore(), HangingNetwork(), Notes()
        self.machine = VirtualClock()
        self.clock = MovableClock(self.machine)
        world = World(self.store, self.network, Mint(), self.clock, self.machine, CountingIds(), self.notes)
        self.engine = Engine(world, OperatorRules(throttling=False))

    @property
    def time(self) -> TimeControl:
        assert self.engine.time is not None
        return self.engine.time

    @property
    def runs(self) -> IdleRuns:
        assert self.engine.idle_runs is not None
        return self.engine.idle_runs

    async def create(self, task_id: str, ahead: timedelta = timedelta(), queue: QueueName = QUEUE) -> None:
        name, now = queue.task(task_id), self.clock.now()
        new = check_task(TaskDraft(name=name, target=HttpDraft("http://handler.test/")), queue, now)
        await self.engine.tasks.create(queue, replace(new, schedule_time=now + ahead))

    @property
    def sent(self) -> list[str]:
        return [dict(call.headers)["X-CloudTasks-TaskName"] for call, _ in self.network.calls]

    def started(self) -> list[datetime]:
        return [event.at for event in self.notes.events if isinstance(event, AttemptStarted)]

    async def settle(self) -> None:
        await asyncio.sleep(0.02)


def lived(story: Callable[[Life], Awaitable[None]], limits: RateLimits | None = None) -> None:
    async def day() -> None:
        life = Life()
        await life.engine.start()
        retries = RetryConfig(max_attempts=-1, min_backoff=Duration(1), max_backoff=Duration(3600))
        queue = Queue(name=QUEUE, rate_limits=limits or RateLimits(100, 100, 100), retry_config=retries)
        await life.engine.queues.create(queue)
        await asyncio.sleep(1)
        await story(life)
        await life.engine.stop()

    run(day())


def test_an_hour_later_what_is_due_by_then_runs_and_nothing_else() -> None:
    async def story(life: Life) -> None:
        await life.create("sooner", 59 * MINUTE)
        await life.create("later", 61 * MINUTE)
        real = life.machine.now()
        face = await life.time.advance(HOUR)
        assert (face.now, face.real_time, face.frozen) == (real + HOUR, real, False)
        await life.settle()
        assert life.sent == ["sooner"]
        await asyncio.sleep(59)
        assert life.sent == ["sooner"]
        await asyncio.sleep(2)
        assert life.sent == ["sooner", "later"]

    lived(story)


def test_thirty_attempts_of_an_exponential_backoff_take_next_to_no_real_time() -> None:
    async def story(life: Life) -> None:
        life.network.answer = lambda _: Outcome(500 if len(life.network.calls) < 30 else 200)
        await life.create("stubborn")
        before = life.machine.monotonic()
        done = await life.runs.run([QUEUE], 30 * DAY, MINUTE)
        assert life.machine.monotonic() - before < 1
        assert (done.idle, done.attempts, done.waiting_for) == (True, 29, [])  # the first had begun
        assert len(life.sent) == 30
        waits = [(after - begun) / SECOND for begun, after in zip(life.started(), life.started()[1:], strict=False)]
        assert [round(wait) for wait in waits[:13]] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600]
        assert done.advanced > 17 * HOUR

    lived(story)


def test_an_attempt_under_way_is_not_cut() -> None:
    async def story(life: Life) -> None:
        life.network.seconds = 5.0
        await life.create("slow")
        await asyncio.sleep(1)
        await life.time.advance(30 * DAY)
        await asyncio.sleep(5)
        (ended,) = [event for event in life.notes.events if isinstance(event, AttemptEnded)]
        assert ended.outcome.succeeded
        assert 4.9 < ended.took / SECOND < 5.1

    lived(story)


def test_to_the_next_due_moment() -> None:
    async def story(life: Life) -> None:
        with pytest.raises(FailedPrecondition, match="no next due moment"):
            await life.time.advance_to_next_due()
        await life.create("first", HOUR)
        await life.create("second", 2 * HOUR)
        due = life.clock.now() + HOUR
        face = await life.time.advance_to_next_due()
        assert due <= face.now <= due + SECOND
        await life.settle()
        assert life.sent == ["first"]

    lived(story)


def test_a_frozen_clock_stands_still_until_it_is_moved_or_set_going() -> None:
    async def story(life: Life) -> None:
        frozen = await life.time.freeze()
        assert frozen.frozen
        await life.create("minute", MINUTE)
        await asyncio.sleep(3600)
        assert life.time.face().now == frozen.now
        assert life.sent == []
        moved = await life.time.advance_to(frozen.now + MINUTE)
        assert moved.frozen
        await life.settle()
        assert life.sent == ["minute"]
        await life.create("two", MINUTE)
        going = await life.time.unfreeze()
        assert (going.now, going.frozen) == (moved.now, False)
        await asyncio.sleep(59)
        assert life.sent == ["minute"]
        await asyncio.sleep(2)
        assert life.sent == ["minute", "two"]

    lived(story)


def test_while_time_stands_still_all_that_is_due_runs() -> None:
    async def story(life: Life) -> None:
        await life.time.freeze()
        await asyncio.gather(*[life.create(str(number)) for number in range(100)])
        await asyncio.sleep(5)
        assert len(life.sent) == 100  # though only a few new connections are opened at a time

    lived(story, RateLimits(500, 100, 1000))


def test_a_move_back_and_one_too_far_are_refused_and_change_nothing() -> None:
    async def story(life: Life) -> None:
        before = life.clock.setting
        with pytest.raises(InvalidArgument, match=r"forward only, but the duration is -1s"):
            await life.time.advance(-SECOND)
        with pytest.raises(InvalidArgument, match="forward only"):
            await life.time.advance_to(START)
        with pytest.raises(InvalidArgument, match="3653 days"):
            await life.time.advance(timedelta(days=4000))
        assert life.clock.setting == before
        await life.time.advance(timedelta())
        assert life.clock.setting == before

    lived(story)


def test_a_reset_of_the_engine_brings_back_real_time() -> None:
    async def story(life: Life) -> None:
        await life.time.advance(DAY)
        await life.time.freeze()
        await life.engine.reset()
        assert life.time.face().now == life.machine.now()
        assert (await kept_setting(life.store, life.machine.now())).ahead == timedelta()

    lived(story)


def test_the_store_has_a_move_before_the_clock_shows_it() -> None:
    async def story(life: Life) -> None:
        shown: list[datetime] = []
        write = life.store.write_once

        async def watched(work: object, **queues: object) -> object:
            shown.append(life.clock.now())
            return await write(work)  # type: ignore[arg-type]

        life.store.write_once = watched  # type: ignore[method-assign, assignment]
        before = life.clock.now()
        await life.time.advance(DAY)
        life.store.write_once = write  # type: ignore[method-assign]
        assert shown[0] - before < SECOND
        kept = await kept_setting(life.store, life.machine.now())
        assert kept.shown(life.machine.now()) == life.clock.now()

    lived(story)


def test_a_run_skips_past_nothing_that_is_due_whosever_it_is() -> None:
    async def story(life: Life) -> None:
        await life.engine.queues.create(Queue(name=OTHER))
        began = life.clock.now()
        await life.create("mine", 3 * HOUR)
        await life.create("theirs", HOUR, OTHER)
        done = await life.runs.run([QUEUE], DAY, MINUTE)
        assert (done.idle, done.attempts) == (True, 2)
        late = [at - began - due for at, due in zip(life.started(), (HOUR, 3 * HOUR), strict=True)]
        assert all(timedelta() <= each < SECOND for each in late)
        assert 2.99 < done.advanced / HOUR <= 3

    lived(story)


def test_a_run_ends_where_it_may_go_no_further() -> None:
    async def story(life: Life) -> None:
        await life.create("soon", HOUR)
        await life.create("far", 48 * HOUR)
        done = await life.runs.run([ProjectName("projects/p")], DAY, MINUTE)
        assert (done.idle, done.attempts, life.sent) == (False, 1, ["soon"])
        assert 0.99 < done.advanced / HOUR <= 1
        (why,) = done.waiting_for
        assert why.startswith(f"{QUEUE}: its next task is due at 2026-03-03T12:")

    lived(story)


def test_a_run_never_skips_for_queues_that_do_not_dispatch() -> None:
    async def story(life: Life) -> None:
        await life.create("paused", HOUR)
        await life.engine.queues.pause(QUEUE)
        await life.settle()
        assert await life.runs.run([], DAY, MINUTE) == IdleRun(False, timedelta(), 0, [f"{QUEUE} is PAUSED"])
        await life.engine.queues.create(Queue(name=OTHER, kind=Kind.PULL))
        new = check_task(TaskDraft(target=PullDraft(b"x")), OTHER, life.clock.now())
        await life.engine.tasks.create(OTHER, new)
        done = await life.runs.run([OTHER], DAY, MINUTE)
        assert (done.idle, done.waiting_for) == (False, [f"{OTHER}: its tasks wait to be leased"])

    lived(story)


def test_a_run_waits_for_what_is_under_way_and_skips_nothing_meanwhile() -> None:
    async def story(life: Life) -> None:
        life.network.seconds = 20.0
        await life.create("slow")
        await life.create("later", HOUR)
        done = await life.runs.run([], DAY, 5 * SECOND)
        assert not done.idle
        assert done.advanced == timedelta()
        assert done.waiting_for == ["1 attempts are still under way after 5s"]
        done = await life.runs.run([], DAY, MINUTE)
        assert (done.idle, done.attempts) == (True, 1)

    lived(story)


def test_a_run_with_nothing_to_do_is_idle_at_once_and_one_of_a_missing_queue_is_an_error() -> None:
    async def story(life: Life) -> None:
        before = life.machine.monotonic()
        assert await life.runs.run([], DAY, MINUTE) == IdleRun(True, timedelta(), 0, [])
        assert life.machine.monotonic() == before
        with pytest.raises(NotFound, match="Queue does not exist"):
            await life.runs.run([OTHER], DAY, MINUTE)

    lived(story)


def test_what_a_move_to_the_next_moment_waits_for_is_bounded() -> None:
    async def story(life: Life) -> None:
        life.network.seconds = 100.0
        await life.create("hangs")
        await life.create("later", HOUR)
        await life.settle()
        before = life.machine.monotonic()
        await life.time.advance_to_next_due()
        assert 0.9 < life.machine.monotonic() - before < 1.2
        await life.settle()
        assert life.engine.under_way.attempts == 2

    lived(story)


def test_nothing_is_kept_of_a_clock_that_was_never_moved() -> None:
    async def story(life: Life) -> None:
        now = life.clock.now()
        assert await life.store.read(lambda reader: reader.document(KIND, NAME, now)) is None

    lived(story)
