"""The store that the settings name, opened, and what hangs on it: its other nodes, its time, its signing keys."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NoReturn

from msgspec import Struct

from tidegate.clock import SystemClock
from tidegate.core.times import micros
from tidegate.database_clock import DatabaseClock
from tidegate.delivery.signing_keys import SigningKeys
from tidegate.delivery.stored_keys import Keys, StoredKeys
from tidegate.engine.ports.membership import Alone, Membership
from tidegate.engine.ports.store import Store, StoreError
from tidegate.engine.ports.store_figures import StoreFigures
from tidegate.engine.ports.world import Clock
from tidegate.operator_errors import OperatorError
from tidegate.settings.stores import PostgresUrl, SqliteUrl, StoreUrl
from tidegate.storage.commit_counts import CommitCounts
from tidegate.storage.sqlite import MemoryStore, SqliteStore


class OpenedStore(Struct, frozen=True):
    """``kind`` is its name in metrics, ``clock`` the time that it goes by, ``away`` says why it cannot be reached (None
    while it can), and ``go_by`` sets the time by which its tasks stand in line, where that is another one. ``commits``
    counts commits, ``figures`` tells how a database fares.
    """

    store: Store
    kind: str
    clock: Clock
    keys: Keys
    membership: Membership = Alone()
    away: Callable[[], str | None] = lambda: None
    go_by: Callable[[Clock], None] = lambda clock: None  # noqa: ARG005 - a file's tasks stand where they say
    commits: CommitCounts | None = None
    figures: Callable[[], Awaitable[StoreFigures]] | None = None


async def open_store(url: StoreUrl, machine: SystemClock) -> OpenedStore:
    """Raises OperatorError with the cause and its cure."""
    try:
        if isinstance(url, PostgresUrl):
            return await _open_postgres(url, machine)
        return await _open_sqlite(url, machine)
    except StoreError as error:
        raise OperatorError(str(error)) from error


async def _open_sqlite(url: SqliteUrl, machine: SystemClock) -> OpenedStore:
    if url.in_memory:
        return OpenedStore(MemoryStore(), "memory", machine, SigningKeys(None))
    store = await SqliteStore.open(Path(url.path), _abandon)
    keys = SigningKeys(Path(f"{url.path}-keys.json"))
    return OpenedStore(store, "sqlite", machine, keys, commits=store.commits)


async def _open_postgres(url: PostgresUrl, machine: SystemClock) -> OpenedStore:
    try:
        from tidegate.storage.postgres import PostgresStore  # noqa: PLC0415 - its driver is an extra
    except ImportError as error:
        raise OperatorError(
            f"a store on PostgreSQL needs its driver: pip install 'tidegate[postgres]' ({error})"
        ) from error
    clock = DatabaseClock(machine)
    store = await PostgresStore.open(url, clock.micros, clock.sampled)

    def go_by(wall: Clock) -> None:
        if wall is not clock:
            store.go_by(lambda: micros(wall.now()))

    def away() -> str | None:
        seconds = store.away_for
        if seconds is None:
            return None
        return f"PostgreSQL has not been reached for {seconds:.0f} s; calls are UNAVAILABLE until it answers"

    keys = StoredKeys(store)
    return OpenedStore(
        store, "postgresql", clock, keys, store.membership, away, go_by, commits=store.commits, figures=store.figures
    )


def _abandon(error: StoreError) -> NoReturn:
    """End the process at once: what was answered is on disk, and nothing may be answered any more."""
    sys.stderr.write(f"{error}; stopped. Make sure of the disk, run 'tidegate check', then start again\n")
    sys.stderr.flush()
    os._exit(1)
