"""Tasks start when they were said to."""

from __future__ import annotations

import asyncio

import pytest
from tests.api.operator.explaining import (
    SECOND,
    Shown,
    codes,
    explained,
    of_queue,
    queue,
    run_when_it_was_said,
    started,
)
from tests.api.operator.living import Life, lived

from tidegate.core.lifecycle import Outcome
from tidegate.core.queue import RateLimits, RetryConfig
from tidegate.core.times import Duration
from tidegate.engine.operator_rules import OperatorRules


def test_a_scheduled_task_starts_when_it_was_said_to() -> None:
    async def story(life: Life) -> None:
        await life.create("t", 90 * SECOND)
        said = await explained(life, "t")
        assert (said.state, codes(said)) == (Shown.SCHEDULED, ["NOT_YET_DUE"])
        assert said.reasons[0].until == said.will_run_time
        assert codes(await of_queue(life)) == ["NOT_YET_DUE"]
        assert (await of_queue(life)).will_run_time == said.will_run_time
        await run_when_it_was_said(life, {"t": said}, life.clock.now())

    lived(story, queue())


def test_a_task_that_backs_off_starts_when_it_was_said_to() -> None:
    async def story(life: Life) -> None:
        life.network.answer = lambda _: Outcome(500)
        await life.create("t")
        await asyncio.sleep(8)  # 1, 2 and 4 s were over
        said = await explained(life, "t")
        assert (said.state, codes(said)) == (Shown.SCHEDULED, ["BACKING_OFF"])
        assert said.reasons[0].details["attempts_left"] == "6"
        assert "HTTP status code 500" in said.reasons[0].text
        await run_when_it_was_said(life, {"t": said}, life.clock.now())

    lived(story, queue(retry_config=RetryConfig(max_attempts=10, min_backoff=Duration(1))))


@pytest.mark.parametrize("rate", [0.1, 3.0, 17.0, 40.0, 333.0])
def test_rate_limited_tasks_start_when_they_were_said_to(rate: float) -> None:
    async def story(life: Life) -> None:
        for number in range(60):
            await life.create(f"t{number}")
        await asyncio.sleep(0.03)
        waiting = [f"t{number}" for number in range(60) if not started(life, f"t{number}")]
        assert len(waiting) > 10
        said = {each: await explained(life, each) for each in (waiting[0], waiting[7], waiting[-1])}
        for each, explanation in said.items():
            assert (explanation.state, codes(explanation)) == (Shown.DUE, ["RATE_LIMITED"])
            place = explanation.reasons[0].details.get("ahead", "0")
            assert int(place) == waiting.index(each)
        assert codes(await of_queue(life)) == ["RATE_LIMITED"]
        await run_when_it_was_said(life, said, life.clock.now())

    lived(story, queue(RateLimits(rate, 5, 1000)))


def test_tasks_of_a_slowed_queue_start_when_they_were_said_to() -> None:
    async def story(life: Life) -> None:
        for number in range(10):
            await life.create(f"warm{number}")
        await asyncio.sleep(0.5)
        life.network.answer = lambda _: Outcome(503)
        await life.create("asks")
        await asyncio.sleep(0.5)
        life.network.answer = lambda _: Outcome(200)
        await asyncio.gather(*[life.create(f"t{number:02}") for number in range(60)])
        await asyncio.sleep(0.05)
        waiting = [f"t{number:02}" for number in range(60) if not started(life, f"t{number:02}")]
        said = {each: await explained(life, each) for each in (waiting[0], waiting[9], waiting[-1])}
        for explanation in said.values():
            assert (explanation.state, codes(explanation)) == (Shown.DUE, ["THROTTLED"])
            assert explanation.reasons[0].since is not None
            assert explanation.reasons[0].details["ended"] != "0"
        await run_when_it_was_said(life, said, life.clock.now())

    lived(story, queue(RateLimits(4, 4, 1000), retry_config=RetryConfig(min_backoff=Duration(3600))))


def test_a_queue_that_ramps_up_says_so() -> None:
    async def story(life: Life) -> None:
        await asyncio.gather(*[life.create(str(number)) for number in range(1500)])
        seen = set()
        for _ in range(200):
            await asyncio.sleep(0.002)
            seen.update(codes(await explained(life, "1499")))
        assert "RAMPING_UP" in seen
        assert "RATE_LIMITED" not in seen

    lived(story, queue(RateLimits(5000, 1000, 5000)), rules=OperatorRules(ramp_up=True))
