"""A store whose work always runs twice, as a real one's may: the engine's whole suite stands on it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from tidegate.engine.ports.store import Transaction
from tidegate.storage.sqlite import MemoryStore

T = TypeVar("T")


class RolledBackError(Exception):
    """Undoes a transaction whose work went well."""


class TwiceStore(MemoryStore):
    """Runs all work once in a transaction that is rolled back, as when another's work had spoiled it, then for good.

    What the first run told its caller by any way but its answer, which is dropped, would be wrong.
    """

    async def write(self, work: Callable[[Transaction], T], **queues: Any) -> T:
        def spoiled(tx: Transaction) -> None:
            work(tx)
            raise RolledBackError

        with suppress(Exception):  # an error of the work's own comes again
            await super().write(spoiled, **queues)
        return await self.write_once(work, **queues)

    async def write_once(self, work: Callable[[Transaction], T], **queues: Any) -> T:
        """The run that counts."""
        return await super().write(work, **queues)
