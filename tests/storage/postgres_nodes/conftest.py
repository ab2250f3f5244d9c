"""Two nodes with one store, and a database that a test may stop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from tests.kit.postgres_server import PostgresServer, postgres_server
from tests.storage.one_queue import NOON
from tests.storage.postgres_stores import empty, open_store

from tidegate.core.times import micros
from tidegate.storage.postgres import PostgresStore


@pytest.fixture
async def nodes(postgres_url: str) -> AsyncIterator[tuple[PostgresStore, PostgresStore]]:
    """Two nodes with one store."""
    empty(postgres_url)
    async with open_store(postgres_url, name="a:1") as one, open_store(postgres_url, name="b:1") as other:
        yield one, other


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server that a test may stop."""
    with postgres_server() as server:
        yield server


@pytest.fixture
async def store(server: PostgresServer) -> AsyncIterator[PostgresStore]:
    empty(server.url)
    async with open_store(server.url, now=lambda: micros(NOON)) as store:
        yield store
