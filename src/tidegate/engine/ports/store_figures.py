"""What a store tells of itself, for metrics."""

from __future__ import annotations

from msgspec import Struct

from tidegate.core.histogram import Histogram


class StoreFigures(Struct, frozen=True):
    """How a database fares that others use as well. ``due`` has the seconds of the looks for due tasks.

    ``oldest_snapshot`` is for how many seconds somebody has held a snapshot, 0 when nobody does, None when this role
    may not know; ``dead_rows`` are those of tasks that are gone and not cleared away, as the database estimates them.
    """

    due: Histogram
    oldest_snapshot: float | None
    dead_rows: int
