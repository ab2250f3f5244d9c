"""What callers are told when the store cannot: the API's words for a full or failing disk."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta
from typing import TypeVar

from tidegate.core.errors import ResourceExhausted, RetryInfo, Unavailable
from tidegate.core.names import QueueName
from tidegate.engine.ports.store import (
    FencedError,
    Reader,
    Store,
    StoreAwayError,
    StoreError,
    StoreFullError,
    Transaction,
)

T = TypeVar("T")

ROOM_AFTER = timedelta(seconds=10)
"""When a caller may find room on the disk again; somebody has to make it."""

BACK_AFTER = timedelta(seconds=1)
"""When a caller may find the store again: a standby takes over, or a connection is made anew, within a second or so."""


class AnsweringStore:
    """A ``ports.Store`` for the parts that callers use: its errors are answers. The engine's own work uses the store
    itself, for it waits and tries again instead.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self, look: Callable[[Reader], T]) -> T:
        try:
            return await self._store.read(look)
        except (StoreAwayError, FencedError) as error:
            raise _away() from error
        except StoreError as error:
            raise Unavailable("The store cannot be read.") from error

    async def write(
        self,
        work: Callable[[Transaction], T],
        *,
        holds: Collection[QueueName] = (),
        changes: Collection[QueueName] = (),
    ) -> T:
        try:
            return await self._store.write(work, holds=holds, changes=changes)
        except StoreFullError as error:
            raise ResourceExhausted("The server's disk is full.", RetryInfo(ROOM_AFTER)) from error
        except (StoreAwayError, FencedError) as error:
            raise _away() from error
        except StoreError as error:
            raise Unavailable("The store cannot be written.") from error

    async def close(self) -> None:
        await self._store.close()


def _away() -> Unavailable:
    return Unavailable("The store cannot be reached.", RetryInfo(BACK_AFTER))
