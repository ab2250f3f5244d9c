"""Looking through many rows for those that a filter chooses, in steps, so that nobody waits for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from msgspec import Struct

from tidegate.engine.ports.store import Reader, Store

T = TypeVar("T")

LOOK_AT: Final = 200
"""Rows of one step, some milliseconds of the reader's time."""

SCANNED_MAX: Final = 20_000
"""Rows that one call looks at: two full shelves."""

Look = Callable[[Reader, int | None, int], Sequence[T]]
"""The rows behind a place, None: the first ones; so many at most."""


class Scanned(Struct, Generic[T], frozen=True):
    """The rows that were chosen, and behind which place to go on; None at the end."""

    chosen: list[T]
    go_on: int | None


async def scan(
    store: Store,
    look: Look[T],
    place: Callable[[T], int],
    behind: int | None,
    limit: int,
    chooses: Callable[[T], bool] | None,
) -> Scanned[T]:
    """The first ``limit`` rows behind a place that ``chooses`` takes, all with None; fewer when ``SCANNED_MAX`` rows
    were looked at.
    """
    chosen: list[T] = []
    left = SCANNED_MAX
    while left > 0:
        step = min(LOOK_AT, left) if chooses is not None else min(LOOK_AT, limit - len(chosen) + 1)
        rows = await store.read(lambda reader, at=behind, step=step: look(reader, at, step))  # type: ignore[misc]
        for row in rows:
            if chooses is None or chooses(row):
                if len(chosen) == limit:
                    return Scanned(chosen, behind)
                chosen.append(row)
            behind = place(row)
        if len(rows) < step:
            return Scanned(chosen, None)
        left -= len(rows)
    return Scanned(chosen, behind)
