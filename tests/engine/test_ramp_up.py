"""The setting ``ramp_up`` in a running engine."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from tests.engine.twice import TwiceStore
from tests.engine.worlds import Mint, Network, Notes
from tests.ids import CountingIds
from tests.simulation.virtual_time import VirtualClock, run

from tidegate.core import ramp
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue, RateLimits
from tidegate.core.validation import HttpDraft, TaskDraft, check_task
from tidegate.engine.engine import Engine
from tidegate.engine.operator_rules import OperatorRules
from tidegate.engine.ports.world import World

QUEUE = QueueName.of("p", "l", "q")


@pytest.mark.parametrize(("ramp_up", "at_first"), [(True, 1100), (False, 3000)])
def test_a_sudden_backlog_starts_slowly_and_grows(
    ramp_up: bool, at_first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ramp, "PERIOD", timedelta(seconds=2))

    async def day() -> None:
        network, store, clock = Network(), TwiceStore(), VirtualClock()
        world = World(store, network, Mint(), clock, clock, CountingIds(), Notes())
        engine = Engine(world, OperatorRules(ramp_up=ramp_up))
        await engine.start()
        await engine.queues.create(Queue(name=QUEUE, rate_limits=RateLimits(5000, 1000, 5000)))
        new = check_task(TaskDraft(target=HttpDraft("http://handler.test/")), QUEUE, clock.now())
        await asyncio.gather(*[engine.tasks.create(QUEUE, new) for _ in range(3000)])
        await asyncio.sleep(1.999)
        assert len(network.calls) == pytest.approx(at_first, abs=5)
        if ramp_up:
            (stats,) = (await engine.queues.stats([QUEUE])).values()
            assert stats.effective_rate <= 750
            await engine.stop()
            engine = Engine(world, OperatorRules(ramp_up=True))  # a restart forgets nothing of it
            await engine.start()
            before = len(network.calls)
            await asyncio.sleep(2)
            assert len(network.calls) - before == pytest.approx(1500, abs=10)
        await engine.stop()

    run(day())
