"""Rates hold over changes of the settings."""

from __future__ import annotations

import asyncio

import pytest
from tests.engine.twice import TwiceStore
from tests.engine.worlds import Mint, Network, Notes
from tests.ids import CountingIds
from tests.simulation.virtual_time import VirtualClock, run

from tidegate.core.names import QueueName
from tidegate.core.queue import Queue, RateLimits
from tidegate.core.validation import HttpDraft, TaskDraft, check_task
from tidegate.engine.engine import Engine
from tidegate.engine.ports.world import World

QUEUE = QueueName.of("p", "l", "q")


def test_a_faster_rate_earns_nothing_for_the_time_before_it() -> None:
    async def day() -> None:
        network = Network()
        engine = Engine(World(TwiceStore(), network, Mint(), VirtualClock(), VirtualClock(), CountingIds(), Notes()))
        await engine.start()
        slow = Queue(name=QUEUE, rate_limits=RateLimits(0.5, 10, 1000))
        await engine.queues.create(slow)
        draft = TaskDraft(target=HttpDraft("http://handler.test/"))
        new = check_task(draft, QUEUE, engine.clock.now())
        await asyncio.gather(*[engine.tasks.create(QUEUE, new) for _ in range(100)])
        await asyncio.sleep(1)
        assert len(network.calls) == 10
        fast = Queue(name=QUEUE, rate_limits=RateLimits(20, 10, 1000))
        await engine.queues.update(QUEUE, lambda _: fast)
        await asyncio.sleep(0.04)
        assert len(network.calls) == 11  # half a token of before, and one of the new rate
        await asyncio.sleep(0.5)
        assert len(network.calls) == 21
        await engine.stop()

    run(day())


@pytest.mark.parametrize(("rate", "burst"), [(500, 1), (500, 3), (500, 100), (50, 1), (0.5, 1)])
def test_a_queue_reaches_its_rate_however_small_its_bucket(rate: float, burst: int) -> None:
    async def day() -> None:
        network = Network()
        engine = Engine(World(TwiceStore(), network, Mint(), VirtualClock(), VirtualClock(), CountingIds(), Notes()))
        await engine.start()
        await engine.queues.create(Queue(name=QUEUE, rate_limits=RateLimits(rate, burst, 1000)))
        new = check_task(TaskDraft(target=HttpDraft("http://handler.test/")), QUEUE, engine.clock.now())
        count = int(rate * 4)
        await asyncio.gather(*[engine.tasks.create(QUEUE, new) for _ in range(count)])
        await asyncio.sleep(4)
        assert len(network.calls) >= count * 0.99
        await engine.stop()

    run(day())
