"""What RunTask makes of attempts, beside others and on a paused queue."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace
from tests.engine.lives import DAY, HOUR, Life, SlowNetwork, answering, lived
from tests.engine.worlds import MINUTE, SECOND
from tests.simulation.virtual_time import START

from tidegate.core.errors import NotFound
from tidegate.core.lifecycle import Outcome
from tidegate.core.queue import State


def test_run_task_on_a_paused_queue_fails_like_any_attempt_and_its_retry_waits() -> None:
    async def story(life: Life) -> None:
        name = await life.create(ahead=DAY)
        answer = await life.engine.tasks.run(name)
        assert (answer.dispatch_count, answer.schedule_time) == (1, START + DAY)
        assert answer.newest_attempt is not None
        assert answer.newest_attempt.dispatch_time is None
        await asyncio.sleep(10)
        task = await life.shown(name)
        assert (task.dispatch_count, task.response_count) == (1, 1)
        assert task.schedule_time == START + 60 * MINUTE
        assert task.last_attempt is not None
        assert task.last_attempt.schedule_time == START + DAY  # the time it was due before
        await asyncio.sleep(7200)
        assert life.attempts == 1

    lived(answering(Outcome(404)), story, retry_config=HOUR, state=State.PAUSED)


def test_run_task_counts_as_an_attempt_and_may_be_the_last() -> None:
    async def story(life: Life) -> None:
        name = await life.create()
        await asyncio.sleep(1)
        await life.engine.tasks.run(name)
        await asyncio.sleep(1)
        assert life.attempts == 2
        assert await life.is_gone(name)
        with pytest.raises(NotFound, match="Requested entity was not found"):
            await life.engine.tasks.run(name)

    lived(answering(Outcome(500)), story, retry_config=replace(HOUR, max_attempts=2))


def test_of_two_attempts_at_once_the_newer_one_decides() -> None:
    async def story(life: Life) -> None:
        name = await life.create()
        await asyncio.sleep(1)
        await life.engine.tasks.run(name)  # takes 10 s and succeeds; the first one fails after 5 s
        await asyncio.sleep(6)
        task = await life.shown(name)
        assert task.dispatch_count == 2
        assert task.dispatched_at == START + SECOND  # still under way
        await asyncio.sleep(6)
        assert await life.is_gone(name)
        assert life.attempts == 2

    network = SlowNetwork(lambda n: (5.0, 10.0)[n], lambda n: (Outcome(500), Outcome(200))[n])
    lived(network, story, retry_config=HOUR)


def test_a_late_success_of_the_older_attempt_does_not_count() -> None:
    async def story(life: Life) -> None:
        name = await life.create()
        await asyncio.sleep(1)
        await life.engine.tasks.run(name)  # fails after 2 s; the first one succeeds after 10 s
        await asyncio.sleep(12)
        task = await life.shown(name)
        assert (task.dispatch_count, task.dispatched_at) == (2, None)
        assert task.schedule_time == START + 3 * SECOND + 60 * MINUTE

    network = SlowNetwork(lambda n: (10.0, 2.0)[n], lambda n: (Outcome(200), Outcome(500))[n])
    lived(network, story, retry_config=HOUR)
