"""Finished operations, kept for a while so that their callers can ask again (rpcs, Long-running operations)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from msgspec import Struct

from tidegate.core import refusals
from tidegate.core.names import OperationName
from tidegate.engine.ports.store import Reader, Transaction
from tidegate.engine.ports.world import World

T = TypeVar("T")

KEPT_FOR = timedelta(hours=24)  # our choice; nothing is published
KIND = "operation"


class Operations:
    """Operations by their names, ``projects/P/locations/L/operations/ID``; the values are the caller's bytes."""

    def __init__(self, world: World) -> None:
        self._store = world.store
        self._clock = world.clock

    async def get(self, name: OperationName) -> bytes:
        """What was kept under a name. NotFound when there is nothing, or no longer."""
        now = self._clock.now()

        def look(reader: Reader) -> bytes | None:
            return reader.document(KIND, name, now)

        found = await self._store.read(look)
        if found is None:
            raise refusals.not_found()
        return found


class Recorded(Struct, Generic[T], frozen=True):
    """The operation that a batch becomes: its name, what tells of it once what became of each entry is known, and
    whether the name was made for it, so that nobody can have used it.

    It is stored with the work itself, in one transaction: there is no operation without its work, nor half of either.
    Only a batch of many bytes is stored in parts, so as not to hold up everybody; its name is taken with the first.
    """

    name: OperationName
    told: Callable[[Sequence[T]], bytes]
    fresh: bool = False
    begun: Callable[[], bytes] = bytes
    """The operation before it has ended, for a batch that is stored in parts."""

    def claim(self, tx: Transaction, now: datetime) -> None:
        """Raises InvalidArgument when the name was used before: nothing may happen twice."""
        if not self.fresh and tx.document(KIND, self.name, now) is not None:
            raise refusals.operation_exists(self.name.operation)

    def begin(self, tx: Transaction, now: datetime) -> None:
        """Take the name, for a batch of which more parts follow."""
        tx.put_document(KIND, self.name, self.begun(), now + KEPT_FOR)

    def drop(self, tx: Transaction) -> None:
        """Give the name back."""
        tx.drop_document(KIND, self.name)

    def keep(self, tx: Transaction, outcomes: Sequence[T], now: datetime) -> bytes:
        value = self.told(outcomes)
        tx.put_document(KIND, self.name, value, now + KEPT_FOR)
        return value
