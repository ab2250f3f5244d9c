"""What callers are told when the store cannot: the API's words for a full or failing disk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from tidegate.core.errors import ResourceExhausted, RetryInfo, Unavailable
from tidegate.engine.ports.store import Reader, Store, StoreError, StoreFullError, Transaction

T = TypeVar("T")

TRY_AGAIN_AFTER = timedelta(seconds=10)
"""When a caller may find room on the disk again; somebody has to make it."""


class AnsweringStore:
    """A ``ports.Store`` for the parts that callers use: its errors are answers. The engine's own work uses the store
    itself, for it waits and tries again instead.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self, look: Callable[[Reader], T]) -> T:
        try:
            return await self._store.read(look)
        except StoreError as error:
            raise Unavailable("The store cannot be read.") from error

    async def write(self, work: Callable[[Transaction], T]) -> T:
        try:
            return await self._store.write(work)
        except StoreFullError as error:
            raise ResourceExhausted("The server's disk is full.", RetryInfo(TRY_AGAIN_AFTER)) from error
        except StoreError as error:
            raise Unavailable("The store cannot be written.") from error

    async def close(self) -> None:
        await self._store.close()
