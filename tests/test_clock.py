"""The machine's clocks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
import uvloop

from tidegate.clock import SystemClock


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_sleep_is_never_shorter_than_was_asked_for(new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def slept(seconds: float) -> float:
        clock = SystemClock()
        before = clock.monotonic()
        await clock.sleep(seconds)
        return clock.monotonic() - before

    async def naps() -> None:
        for number in range(1, 50):
            seconds = number * 0.0001  # an event loop may count in whole milliseconds
            assert await slept(seconds) >= seconds

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(naps())


async def test_a_moment_that_is_past_comes_soon_and_one_that_was_cancelled_never() -> None:
    clock, woken = SystemClock(), asyncio.Event()
    never = clock.call_at(clock.now() + timedelta(milliseconds=5), pytest.fail)
    never.cancel()
    clock.call_at(clock.now() - timedelta(hours=1), woken.set)
    await asyncio.wait_for(woken.wait(), 10)
    await clock.sleep(0.01)
