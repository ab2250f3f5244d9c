"""The encryption key of each location.

The config is checked and kept; tasks are not encrypted by it unless the operator brings a key service.
"""

from __future__ import annotations

from tidegate.core.cmek import check_key
from tidegate.engine.lookup import queues_of
from tidegate.engine.ports.store import Reader, Transaction
from tidegate.engine.ports.world import World

KIND = "cmek"


class Keys:
    """One key for each ``projects/P/locations/L``, empty when there is none."""

    def __init__(self, world: World) -> None:
        self._store = world.store
        self._clock = world.clock

    async def get(self, parent: str) -> str:
        """The name of the key that new tasks are to be encrypted with, or nothing."""
        now = self._clock.now()

        def look(reader: Reader) -> bytes | None:
            return reader.document(KIND, parent, now)

        return (await self._store.read(look) or b"").decode()

    async def set(self, parent: str, key: str) -> None:
        """Use another key from now on; an empty one turns encryption off.

        Raises what ``core.cmek.check_key`` finds: a queue of the location that bars it, or a bad key.
        """

        def work(tx: Transaction) -> None:
            check_key(key, parent.rsplit("/", 1)[1], (stored.queue for stored in queues_of(tx, parent)))
            if key:
                tx.put_document(KIND, parent, key.encode())
            else:
                tx.drop_document(KIND, parent)

        await self._store.write(work)
