"""Wall time may be moved, machine time never is: what goes by which, and what the engine says about its next moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace
from tests.engine.twice import TwiceStore
from tests.engine.worlds import MINUTE, SECOND, START, HandClock, Mint, Network, Notes
from tests.ids import CountingIds
from tests.simulation.virtual_time import VirtualClock, run

from tidegate.core.lifecycle import Outcome
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue, RateLimits, RetryConfig
from tidegate.core.target import HttpCall
from tidegate.core.times import Duration
from tidegate.core.validation import HttpDraft, TaskDraft, check_task
from tidegate.engine.engine import Engine
from tidegate.engine.operator_rules import OperatorRules
from tidegate.engine.ports.events import AttemptEnded
from tidegate.engine.ports.world import World

QUEUE = QueueName.of("p", "l", "q")
HOUR = timedelta(hours=1)


class CountedClock(HandClock):
    """Counts how often it is looked at."""

    looks = 0

    def now(self) -> datetime:
        self.looks += 1
        return super().now()


class SlowNetwork(Network):
    """Every call takes ``seconds`` of machine time."""

    seconds = 0.001

    async def send(self, call: HttpCall, authorization: str | None, report: object = None) -> Outcome:
        answer = await super().send(call, authorization)
        await asyncio.sleep(self.seconds)
        return answer


class Life:
    """A started engine: its wall clock stands still until it is moved, machine time is the loop's own."""

    def __init__(self) -> None:
        self.store, self.network, self.notes = TwiceStore(), SlowNetwork(), Notes()
        self.clock, self.machine = CountedClock(), VirtualClock()
        world = World(self.store, self.network, Mint(), self.clock, self.machine, CountingIds(), self.notes)
        self.engine = Engine(world, OperatorRules(throttling=False))

    async def create(self, task_id: str, ahead: timedelta = timedelta()) -> None:
        name, now = QUEUE.task(task_id), self.clock.now()
        new = check_task(TaskDraft(name=name, target=HttpDraft("http://handler.test/")), QUEUE, now)
        await self.engine.tasks.create(QUEUE, replace(new, schedule_time=now + ahead))

    @property
    def sent(self) -> list[str]:
        return [dict(call.headers)["X-CloudTasks-TaskName"] for call, _ in self.network.calls]

    async def settle(self) -> None:
        """Time for what can be done without the wall clock; far below a second."""
        await asyncio.sleep(0.01)


def lived(story: Callable[[Life], Awaitable[None]], limits: RateLimits | None = None) -> None:
    async def day() -> None:
        life = Life()
        await life.engine.start()
        retries = RetryConfig(max_attempts=-1, min_backoff=Duration(1), max_backoff=Duration(3600))
        await life.engine.queues.create(
            Queue(name=QUEUE, rate_limits=limits or RateLimits(100, 100, 100), retry_config=retries)
        )
        await asyncio.sleep(3)
        await story(life)
        await life.engine.stop()

    run(day())


def test_a_task_is_due_when_the_wall_clock_is_moved_to_its_schedule_time_and_not_before() -> None:
    async def story(life: Life) -> None:
        await life.create("hour", HOUR)
        await asyncio.sleep(7200)  # of machine time
        assert life.sent == []
        life.clock.advance(59 * MINUTE)
        await life.settle()
        assert life.sent == []
        life.clock.advance(MINUTE)
        await life.settle()
        assert life.sent == ["hour"]

    lived(story)


def test_a_clock_that_stands_a_moment_before_the_next_task_is_not_asked_again_and_again() -> None:
    async def story(life: Life) -> None:
        await life.create("soon", timedelta(microseconds=1))
        await life.settle()
        before = life.clock.looks
        await asyncio.sleep(60)
        assert life.clock.looks - before <= 300  # a few times a second
        assert life.sent == []

    lived(story)


def test_backoff_and_rate_follow_the_wall_clock_from_moment_to_moment() -> None:
    async def story(life: Life) -> None:
        life.network.answer = lambda _: Outcome(404)
        await life.create("stubborn")
        waits = []
        for _ in range(12):
            await life.settle()
            moment = life.engine.next_moment()
            assert moment is not None
            assert life.engine.quiet()
            waits.append((moment - life.clock.now()) / SECOND)
            life.clock.advance(moment - life.clock.now())
            assert not life.engine.quiet()
        assert len(life.sent) == 12
        assert waits[:5] == [1, 2, 4, 8, 16]
        assert life.machine.monotonic() < 10

    lived(story)


def test_an_attempt_takes_as_long_as_the_machine_says_however_far_the_wall_clock_is_moved() -> None:
    async def story(life: Life) -> None:
        life.network.seconds = 2.0
        await life.create("a")
        await asyncio.sleep(1)
        life.clock.advance(5 * HOUR)
        assert not life.engine.quiet()
        await asyncio.sleep(1.5)
        (ended,) = [event for event in life.notes.events if isinstance(event, AttemptEnded)]
        assert ended.outcome.succeeded
        assert 1.9 < ended.took / SECOND < 2.1
        assert ended.at == START + 5 * HOUR
        assert life.engine.quiet()

    lived(story)


def test_tombstones_are_cleared_away_when_the_wall_clock_is_moved_past_them() -> None:
    async def story(life: Life) -> None:
        await life.create("a")
        await asyncio.sleep(20)

        async def stones() -> int:
            tables: Any = life.store._transaction.tables
            (count,) = tables._connection.execute("SELECT count(*) FROM tombstones", ()).fetchone()
            return int(count)

        assert await stones() == 1
        life.clock.advance(25 * HOUR)
        await life.settle()
        assert await stones() == 0

    lived(story)


def test_the_next_moment_is_the_earliest_of_all_queues_that_dispatch() -> None:
    async def story(life: Life) -> None:
        assert life.engine.next_moment() is None
        assert life.engine.quiet()
        await life.create("later", HOUR)
        await life.create("sooner", MINUTE)
        assert life.engine.next_moment() == START + MINUTE
        await life.engine.tasks.delete(QUEUE.task("sooner"))
        life.clock.advance(MINUTE)
        await life.settle()
        assert life.engine.next_moment() == START + HOUR
        await life.engine.queues.pause(QUEUE)
        await life.settle()
        assert life.engine.next_moment() is None
        await life.engine.queues.resume(QUEUE)
        await life.settle()
        assert life.engine.next_moment() == START + HOUR

    lived(story)


def test_the_retry_of_a_task_whose_queue_was_paused_is_no_moment_until_the_queue_is_resumed() -> None:
    async def story(life: Life) -> None:
        life.network.answer = lambda _: Outcome(404)
        life.network.seconds = 1.0
        await life.create("a")
        await life.settle()
        await life.engine.queues.pause(QUEUE)
        await asyncio.sleep(2)
        assert life.engine.quiet()
        assert life.engine.next_moment() is None
        await life.engine.queues.resume(QUEUE)
        await life.settle()
        assert life.engine.next_moment() == START + SECOND

    lived(story)


def test_a_start_looks_at_paused_queues_no_sooner_than_they_are_resumed() -> None:
    async def story(life: Life) -> None:
        await life.create("a", HOUR)
        await life.engine.queues.pause(QUEUE)
        await life.engine.stop()
        world = World(life.store, life.network, Mint(), life.clock, life.machine, CountingIds(), life.notes)
        again = Engine(world)
        await again.start()
        assert again.next_moment() is None
        await again.queues.resume(QUEUE)
        await life.settle()
        assert again.next_moment() == START + HOUR
        await again.stop()
        await life.engine.start()  # for the end of the day to stop

    lived(story)


def test_new_tasks_do_not_wait_longer_for_the_disk_because_the_wall_clock_is_moved() -> None:
    async def story(life: Life) -> None:
        write = life.store.write

        async def slow(work: object, **queues: object) -> object:
            await asyncio.sleep(1)
            return await write(work, **queues)  # type: ignore[arg-type]

        life.store.write = slow  # type: ignore[method-assign, assignment]
        first = asyncio.ensure_future(life.create("a"))
        await life.settle()
        life.clock.advance(HOUR)
        await life.create("b")
        await first
        life.store.write = write  # type: ignore[method-assign]
        await asyncio.sleep(2)

    lived(story)
