"""Signing keys in a store that nodes share."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from tests.delivery.conftest import NOON

from tidegate.delivery.stored_keys import LOOK_EVERY, StoredKeys
from tidegate.engine.ports.store import StoreError
from tidegate.storage.sqlite import MemoryStore

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


async def test_all_nodes_have_the_ring_that_the_first_one_made() -> None:
    store = MemoryStore()
    rings = await asyncio.gather(*[StoredKeys(store).ring(NOON) for _ in range(3)])
    assert len({ring.keys[0].kid for ring in rings}) == 1


async def test_a_key_that_another_node_made_is_seen_within_a_minute() -> None:
    store = MemoryStore()
    one, other = StoredKeys(store), StoredKeys(store)
    old = (await one.ring(NOON)).keys
    assert (await other.ring(NOON + 30 * DAY - LOOK_EVERY / 2)).keys == old
    (new, _) = (await one.ring(NOON + 30 * DAY)).keys
    ring = await other.ring(NOON + 30 * DAY + LOOK_EVERY)
    assert ring.keys[0].kid == new.kid
    assert ring.signing(NOON + 30 * DAY + LOOK_EVERY).kid == old[0].kid  # it is published before it signs


class _Away(MemoryStore):
    away = False

    async def read(self, look):
        if self.away:
            raise StoreError("away")
        return await super().read(look)


async def test_keys_that_are_known_do_while_the_store_is_away() -> None:
    store = _Away()
    keys = StoredKeys(store)
    store.away = True
    with pytest.raises(OSError, match="cannot have a signing key"):
        await keys.ring(NOON)
    store.away = False
    first = await keys.ring(NOON)
    store.away = True
    assert await keys.ring(NOON + HOUR) is first
