"""All locations that have queues, for what the API answers only one location at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from tidegate.console.queue_rows import QueueRow
from tidegate.console.snapshot import Snapshot, Snapshots
from tidegate.console.visit import Visit
from tidegate.core.errors import ApiError, Unimplemented
from tidegate.schema.rpc import Rpc

SNAPSHOTS_MAX: Final = 50
"""Lists of queues that are kept, of so many people."""
QUEUE_STATUS: Final = "tidegate.queues.getStatus"
PLACES_MAX: Final = 50
"""Locations and queues asked for one page; it says so when there are more."""


def snapshots(visit: Visit) -> Snapshots:
    """The list of queues that all pages share, of each person their own where people see different ones."""
    kept = visit.console.kept
    who = f"snapshots of {visit.session if visit.console.facts.access else 'all'}"
    if who not in kept and len(kept) >= SNAPSHOTS_MAX:
        kept.clear()
    snapshots: Snapshots = kept.setdefault(who, Snapshots())
    return snapshots


async def snapshot_of(visit: Visit) -> Snapshot:
    """All queues that the visitor may see. Raises ApiError."""
    return await snapshots(visit).get(visit.calls, visit.console.now, visit.allowed.where(QUEUE_STATUS))


async def all_queues(visit: Visit) -> Sequence[QueueRow]:
    return (await snapshot_of(visit)).rows


async def locations(visit: Visit) -> list[str]:
    """``projects/P/locations/L`` of all queues, in order."""
    return sorted({row.name.parent for row in await all_queues(visit)})


async def from_each(
    visit: Visit, row: Rpc[Any, Any], parents: Sequence[str], *, field: str = "parent", **fields: Any
) -> list[tuple[str, Any]]:
    """The answer of one method for each parent that has one; ``field`` is what the request calls it.

    Raises Unimplemented where there is no such method.
    """
    parents = parents[:PLACES_MAX]
    if not parents:
        return []
    first = await _one(visit, row, {field: parents[0], **fields})
    rest = await asyncio.gather(*(_one(visit, row, {field: parent, **fields}) for parent in parents[1:]))
    return [(parent, answer) for parent, answer in zip(parents, [first, *rest], strict=True) if answer is not None]


async def _one(visit: Visit, row: Rpc[Any, Any], fields: dict[str, Any]) -> Any:
    try:
        return await visit.calls(row, **fields)
    except Unimplemented:
        raise
    except ApiError:  # deleted meanwhile, or not to be seen
        return None
