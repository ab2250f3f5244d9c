"""Finished operations, kept for a while so that their callers can ask again (rpcs, Long-running operations)."""

from __future__ import annotations

from datetime import timedelta

from tidegate.core import answers
from tidegate.core.names import OperationName
from tidegate.engine.ports import Reader, Transaction, World

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
            raise answers.not_found()
        return found

    async def begin(self, name: OperationName, value: bytes) -> None:
        """Keep the operation as it starts. InvalidArgument when the name was used before: nothing may happen twice."""
        now = self._clock.now()

        def work(tx: Transaction) -> None:
            if tx.document(KIND, name, now) is not None:
                raise answers.operation_exists(name.operation)
            tx.put_document(KIND, name, value, now + KEPT_FOR)

        await self._store.write(work)

    async def keep(self, name: OperationName, value: bytes) -> None:
        """Keep the operation as it is now."""
        expires = self._clock.now() + KEPT_FOR
        await self._store.write(lambda tx: tx.put_document(KIND, name, value, expires))
