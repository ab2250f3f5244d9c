"""Waiting for a database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tests.storage.one_queue import listed

from tidegate.engine.ports.store import Store, StoreAwayError


async def until(happened: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await happened():  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.02)


async def until_back(store: Store) -> list[str]:
    """What is listed once the database is there again."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await listed(store)
            except StoreAwayError:
                await asyncio.sleep(0.05)
