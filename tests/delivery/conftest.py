from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest
import uvloop
from tests.delivery.raw_handler import RawHandler, raw_handler

from tidegate.delivery.http_sender import HttpSender

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


class StoppedClock:
    """A wall clock that stands at noon; its monotonic side runs, and can be put forward."""

    def __init__(self) -> None:
        self.wall = NOON
        self.ahead = 0.0

    def now(self) -> datetime:
        return self.wall

    def elapsed(self) -> float:
        return self.monotonic()

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def call_later(self, seconds: float, wake: Callable[[], None]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, wake)

    def advance(self, span: timedelta) -> None:
        self.wall += span
        self.ahead += span.total_seconds()


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The front runs uvloop, other tests asyncio's own loop; their transports differ."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
async def sender(clock: StoppedClock) -> AsyncIterator[HttpSender]:
    sender = HttpSender(clock)
    yield sender
    await sender.close()


@pytest.fixture
async def handler() -> AsyncIterator[RawHandler]:
    async with raw_handler() as handler:
        yield handler
