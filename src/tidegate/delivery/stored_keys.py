"""The keys that sign ID tokens, kept in the store: all of its nodes publish and use the same."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Final, Protocol

from tidegate.delivery.signing_keys import KeyRing
from tidegate.engine.ports.store import Reader, Store, StoreError, Transaction

KIND: Final = "keys"
NAME: Final = "signing"
"""Where the ring is among the documents."""

LOOK_EVERY: Final = timedelta(minutes=1)
"""How often a node looks for keys that another one made. They are published for an hour before they sign."""


class Keys(Protocol):
    """The ring in use."""

    async def ring(self, now: datetime) -> KeyRing:
        """The ring at this time; never empty. Raises OSError when a new key cannot be saved."""


class StoredKeys:
    """``Keys`` in a store that nodes share. Whoever finds a key due first makes it; the others find it there."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ring = KeyRing()
        self._looked_at: datetime | None = None
        self._looking = asyncio.Lock()

    async def ring(self, now: datetime) -> KeyRing:
        """The ring at this time; never empty. Raises OSError when the store cannot be asked or written, and there is no
        key that would do.
        """
        if not self._is_known(now):
            async with self._looking:
                if not self._is_known(now):
                    await self._look(now)
        return self._ring

    def _is_known(self, now: datetime) -> bool:
        return self._looked_at is not None and abs(now - self._looked_at) < LOOK_EVERY and not self._ring.is_due(now)

    async def _look(self, now: datetime) -> None:
        try:
            self._ring = await self._store.read(lambda reader: _kept(reader, now))
            if self._ring.is_due(now):
                turned = await asyncio.to_thread(self._ring.turned, now)
                self._ring = await self._store.write(lambda tx: _keep(tx, turned, now))
        except StoreError as error:
            if not self._ring.keys:
                raise OSError(f"cannot have a signing key: {error}") from error
            return  # those known do for a while
        self._looked_at = now


def _kept(reader: Reader, now: datetime) -> KeyRing:
    data = reader.document(KIND, NAME, now)
    return KeyRing() if data is None else KeyRing.load(data)


def _keep(tx: Transaction, turned: KeyRing, now: datetime) -> KeyRing:
    """Keep the ring, unless another node turned it meanwhile; the ring that is kept."""
    kept = _kept(tx, now)
    if not kept.is_due(now):
        return kept
    tx.put_document(KIND, NAME, turned.dump())
    return turned
