"""The clock of the operator's API: what it shows, its moves, and running until idle."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.api.operator.living import QUEUE, Life, lived

from tidegate.api.operator.bulk import read_selection
from tidegate.core.errors import FailedPrecondition, InvalidArgument, NotFound
from tidegate.core.lifecycle import Outcome
from tidegate.core.queue import Queue, RateLimits, RetryConfig
from tidegate.core.times import Duration
from tidegate.engine.ports.events import AttemptStarted
from tidegate.schema.operator import Operator

HOUR = timedelta(hours=1)
FLICKER = timedelta(milliseconds=1)


def test_the_clock_shows_both_times_and_how_far_they_are_apart() -> None:
    async def story(life: Life) -> None:
        clock = await life.call(Operator.get_clock)
        assert (clock.name, clock.frozen, clock.offset) == ("clock", False, timedelta())
        assert clock.now == clock.real_time == life.machine.now()
        moved = await life.call(Operator.advance_clock, duration=HOUR)
        assert moved == await life.call(Operator.get_clock)
        assert (moved.offset, moved.now - moved.real_time) == (HOUR, HOUR)

    lived(story)


def test_an_hour_later_what_is_due_by_then_runs_and_nothing_else() -> None:
    async def story(life: Life) -> None:
        await life.create("sooner", timedelta(minutes=59))
        await life.create("later", timedelta(minutes=61))
        await life.call(Operator.advance_clock, duration=HOUR)
        await asyncio.sleep(0.05)
        assert life.sent == ["sooner"]

    lived(story)


def test_the_clock_moves_to_a_time_and_to_the_next_due_moment() -> None:
    async def story(life: Life) -> None:
        target = life.clock.now() + 5 * HOUR
        clock = await life.call(Operator.advance_clock, to_time=target)
        assert clock.now == target
        await life.create("due", 3 * HOUR)
        clock = await life.call(Operator.advance_clock, to_next_due=True)
        assert abs(clock.now - target - 3 * HOUR) <= FLICKER
        await asyncio.sleep(0.05)
        assert life.sent == ["due"]
        with pytest.raises(FailedPrecondition, match="no next due moment"):
            await life.call(Operator.advance_clock, to_next_due=True)

    lived(story)


def test_a_frozen_clock_stands_still_until_it_is_reset_which_takes_it_back_nowhere() -> None:
    async def story(life: Life) -> None:
        await life.call(Operator.advance_clock, duration=HOUR)
        frozen = await life.call(Operator.freeze_clock)
        assert frozen.frozen
        await asyncio.sleep(7200)
        assert (await life.call(Operator.get_clock)).now == frozen.now
        assert (await life.call(Operator.get_clock)).offset == -HOUR
        going = await life.call(Operator.reset_clock)
        assert (going.frozen, going.now) == (False, frozen.now)
        await asyncio.sleep(60)
        assert (await life.call(Operator.get_clock)).now == frozen.now + timedelta(minutes=1)

    lived(story)


@pytest.mark.parametrize(
    ("move", "why"),
    [
        ({}, "must have a duration, a toTime or toNextDue"),
        ({"to_next_due": False}, "must have a duration, a toTime or toNextDue"),
        ({"duration": timedelta(seconds=-1)}, r"AdvanceClockRequest.duration must be between 0s and 315619200s.* -1s"),
        ({"duration": timedelta(days=3654)}, "AdvanceClockRequest.duration must be between"),
        ({"to_time": datetime(2026, 1, 1, tzinfo=UTC)}, "The clock moves forward only"),
        ({"to_time": datetime(2040, 1, 1, tzinfo=UTC)}, r"at most 3653 days \(10 years\) ahead"),
    ],
)
def test_a_move_that_cannot_be_is_refused_with_the_rule(move: dict[str, Any], why: str) -> None:
    async def story(life: Life) -> None:
        before = await life.call(Operator.get_clock)
        with pytest.raises(InvalidArgument, match=why):
            await life.call(Operator.advance_clock, **move)
        assert (await life.call(Operator.get_clock)).offset == before.offset

    lived(story)


def test_spans_and_moments_that_no_duration_or_timestamp_holds_are_refused() -> None:
    async def story(life: Life) -> None:
        request = Operator.advance_clock.request_pb()
        request.duration.seconds, request.duration.nanos = 1, -1
        with pytest.raises(InvalidArgument, match="duration must be between"):
            await life.api.method(Operator.advance_clock)(request)
        request = Operator.advance_clock.request_pb()
        request.to_time.seconds = 2**62
        with pytest.raises(InvalidArgument, match="toTime must be between the years 1 and 9999"):
            await life.api.method(Operator.advance_clock)(request)

    lived(story)


def test_thirty_attempts_run_until_idle() -> None:
    async def story(life: Life) -> None:
        life.network.answer = lambda _: Outcome(500 if len(life.network.calls) < 30 else 200)
        await life.create("stubborn", HOUR)
        before = life.machine.monotonic()
        done = await life.call(Operator.run_until_idle, parents=["projects/p"])
        assert (done.idle, done.attempts, list(done.waiting_for)) == (True, 30, [])
        assert 15 * HOUR < done.advanced < 16 * HOUR
        assert life.machine.monotonic() - before < 1

    lived(story, Queue(name=QUEUE, retry_config=RetryConfig(max_backoff=Duration(3600))))


def test_a_run_waits_for_operations_before_it_skips() -> None:
    async def story(life: Life) -> None:
        life.engine.serve_bulk(read_selection)
        for number in range(600):  # more than two steps change
            await life.create(f"t{number}", HOUR)
        at = life.clock.now() + 10 * HOUR
        await life.call(Operator.bulk_reschedule_tasks, parent=QUEUE, filter="name:*", at=at)
        done = await life.call(Operator.run_until_idle, parents=[QUEUE], max_virtual=20 * HOUR)
        assert (done.idle, done.attempts) == (True, 600)
        assert done.advanced > 9 * HOUR
        begun = [event.at for event in life.notes.events if isinstance(event, AttemptStarted)]
        assert min(begun) >= at  # none at the time that it had before

    lived(story, Queue(name=QUEUE, rate_limits=RateLimits(1000, 1000, 1000)))


def test_a_run_says_what_it_did_not_reach() -> None:
    async def story(life: Life) -> None:
        await life.create("far", 10 * HOUR)
        done = await life.call(Operator.run_until_idle, parents=[QUEUE], max_virtual=HOUR)
        assert (done.idle, done.attempts, done.advanced) == (False, 0, timedelta())
        assert list(done.waiting_for) == [f"{QUEUE}: its next task is due at 2026-03-01T22:00:01Z"]
        assert life.sent == []

    lived(story)


@pytest.mark.parametrize(
    ("fields", "error", "why"),
    [
        ({"parents": ["queues/q"]}, InvalidArgument, "RunUntilIdleRequest.parents must be formatted"),
        ({"parents": [QUEUE + "x"]}, NotFound, "Queue does not exist"),
        ({"timeout": timedelta(seconds=61)}, InvalidArgument, "timeout must be between 0s and 60s, but it is 61s"),
        ({"max_virtual": timedelta(seconds=-5)}, InvalidArgument, "maxVirtual must be between 0s"),
    ],
)
def test_a_run_that_cannot_be_is_refused(fields: dict[str, Any], error: type[Exception], why: str) -> None:
    async def story(life: Life) -> None:
        with pytest.raises(error, match=why):
            await life.call(Operator.run_until_idle, **fields)

    lived(story)


def test_without_dev_the_clock_is_real_and_nobody_moves_it() -> None:
    async def story(life: Life) -> None:
        clock = await life.call(Operator.get_clock)
        assert (clock.now, clock.offset) == (life.machine.now(), timedelta())
        for row in (Operator.advance_clock, Operator.freeze_clock, Operator.reset_clock, Operator.run_until_idle):
            with pytest.raises(FailedPrecondition, match="started with --dev"):
                await life.call(row)

    lived(story, dev=False)
