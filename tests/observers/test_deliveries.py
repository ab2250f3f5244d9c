"""Watching takes no more of the server than its share."""

from __future__ import annotations

import asyncio

import pytest
from tests.servers.driving import in_virtual_time

from tidegate.observers.deliveries import AT_ONCE, PER_SECOND, Deliveries


class LoopClock:
    """Machine time as the loop has it."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def test_all_watchers_together_get_so_many_events_a_second() -> None:
    async def scene() -> None:
        deliveries = Deliveries(LoopClock())  # type: ignore[arg-type]
        began = asyncio.get_running_loop().time()

        async def watcher() -> None:
            for _ in range(100):
                await deliveries.take(50)

        await asyncio.gather(*[watcher() for _ in range(50)])
        took = asyncio.get_running_loop().time() - began
        assert took == pytest.approx((5000 - AT_ONCE) / PER_SECOND, rel=0.05)

    in_virtual_time(scene())


def test_after_a_rest_many_are_sent_at_once() -> None:
    async def scene() -> None:
        deliveries = Deliveries(LoopClock())  # type: ignore[arg-type]
        for _ in range(AT_ONCE):
            assert not await deliveries.take(1)
        assert await deliveries.take(1)
        await asyncio.sleep(10)
        assert not await deliveries.take(1)

    in_virtual_time(scene())
