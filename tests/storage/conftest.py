"""What tests of stores share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.kit.postgres import OLDER
from tests.kit.postgres_programs import programs
from tests.storage.postgres_stores import empty, open_store

from tidegate.engine.ports.store import Store
from tidegate.storage.sqlite import MemoryStore, SqliteStore

KINDS = ["memory", "sqlite", "postgres", *(["postgres 15"] if OLDER and programs() != OLDER else [])]


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    if request.param.startswith("postgres"):
        url = request.getfixturevalue("postgres_url" if request.param == "postgres" else "older_postgres_url")
        empty(url)
        async with open_store(url) as opened:
            yield opened
        return
    store: Store = MemoryStore() if request.param == "memory" else await SqliteStore.open(tmp_path / "tidegate.db")
    yield store
    await store.close()
