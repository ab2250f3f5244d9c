"""Handlers on several addresses of the loopback network: 127.0.0.2 plays the allowed one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from tests.delivery.conftest import StoppedClock
from tests.delivery.egress.names import Names, sender_under
from tests.delivery.raw_handler import RawHandler, raw_handlers

from tidegate.delivery.http_sender import HttpSender


@pytest.fixture
def names() -> Names:
    return Names()


@pytest.fixture
async def sender(clock: StoppedClock, names: Names) -> AsyncIterator[HttpSender]:
    async with sender_under("public,127.0.0.2", clock, names) as sender:
        yield sender


ALLOWED = "127.0.0.2"
OTHERS = ["127.0.0.1", "::1", "127.255.255.254"]


@pytest.fixture
async def handlers() -> AsyncIterator[dict[str, RawHandler]]:
    """The handler that may be called and those that may not, all on one port."""
    async with raw_handlers(ALLOWED, *OTHERS) as handlers:
        handlers[ALLOWED].host = ALLOWED
        yield handlers


@pytest.fixture
def handler(handlers: dict[str, RawHandler]) -> RawHandler:
    """The handler that may be called."""
    return handlers[ALLOWED]


@pytest.fixture
def canary(handlers: dict[str, RawHandler]) -> Iterator[RawHandler]:
    """What must never be reached."""
    yield handlers["127.0.0.1"]
    assert connections_to_others(handlers) == 0


def connections_to_others(handlers: dict[str, RawHandler]) -> int:
    return sum(handlers[host].connections for host in OTHERS)
