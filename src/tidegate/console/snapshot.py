"""All queues in numbers, as of a moment ago: asked for only while somebody looks, and of many less often."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from tidegate.api.pace import Pace
from tidegate.console.calls import Calls
from tidegate.console.queue_rows import QueueRow
from tidegate.core.access import SERVER
from tidegate.core.errors import ApiError, NotFound
from tidegate.core.names import QUEUE, QueueName
from tidegate.schema.operator import Operator
from tidegate.schema.v2beta3 import Locations, Queue

KEPT_FOR: Final = 0.1
"""Seconds for which a snapshot is shown at least."""
KEPT_FACTOR: Final = 20
"""A snapshot is kept this many times as long as it took to make: five hundredths of the time go into it."""
WAITED_FOR: Final = 0.2
"""Seconds that those who look wait for a new snapshot, before they see the last."""
SHOWN_FOR: Final = 60.0
"""Seconds for which an older one is shown while the next is made."""
PAGE: Final = 1000
EVERYWHERE: Final = "projects/-/locations/-"

STATES: Final = {int(state): state.name.lower() for state in Queue.State}
PULL: Final = int(Queue.Type.PULL)
ON_TIME: Final = timedelta()


class Snapshot(Struct, frozen=True):
    rows: list[QueueRow]
    taken_at: datetime


class Snapshots:
    """The newest snapshot. Those who ask at the same time share one, and while the next is made see the last."""

    def __init__(self) -> None:
        self._newest: Snapshot | None = None
        self._until = 0.0
        self._making: asyncio.Task[None] | None = None

    async def settled(self) -> None:
        """Wait for the one that is being made."""
        if self._making is not None:
            await asyncio.wait({self._making})

    async def get(self, calls: Calls, now: Callable[[], datetime], places: Sequence[str] = (SERVER,)) -> Snapshot:
        """All queues, or where the caller may see no others those of ``places``: projects, queues. Raises ApiError."""
        clock = asyncio.get_running_loop().time
        making = self._making
        if making is None and clock() >= self._until:
            making = self._making = asyncio.create_task(self._make(calls, now, places))
        if making is not None:
            fresh_enough = self._newest is not None and clock() < self._until + SHOWN_FOR
            await asyncio.wait({making}, timeout=WAITED_FOR if fresh_enough else None)
            if making.done():
                making.result()
        assert self._newest is not None  # noqa: S101 - made by now, or the reason was raised
        return self._newest

    async def _make(self, calls: Calls, now: Callable[[], datetime], places: Sequence[str]) -> None:
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            self._newest = Snapshot(await _rows(calls, places), now())
            # Of thousands of queues it takes so long that making it all the time would be felt.
            self._until = clock() + max(KEPT_FOR, KEPT_FACTOR * (clock() - began))
        except ApiError:
            self.forget()
            raise
        finally:
            self._making = None

    async def look_again(self, calls: Calls, name: QueueName) -> None:
        """Bring one queue up to date, which was made, changed or deleted here."""
        if self._newest is None:
            return
        try:
            row = row_of(await calls(Operator.get_queue_status, name=f"{name}/status"))
        except NotFound:
            row = None
        if self._newest is not None:
            others = [each for each in self._newest.rows if each.name != name]
            self._newest = replace(self._newest, rows=others if row is None else [*others, row])

    def forget(self) -> None:
        """Ask for all anew next time."""
        self._newest, self._until = None, 0.0


async def _rows(calls: Calls, places: Sequence[str]) -> list[QueueRow]:
    if SERVER in places or not places:  # without any place the call is refused, with the reason
        return await _rows_of(calls, EVERYWHERE)
    rows: dict[str, QueueRow] = {}
    for place in places:
        for row in await _rows_at(calls, place):
            rows[row.name] = row
    return list(rows.values())


async def _rows_at(calls: Calls, place: str) -> list[QueueRow]:
    """Those of a project, or a queue itself, as far as they may be seen."""
    try:
        if QUEUE.parse(place) is not None:
            return [row_of(await calls(Operator.get_queue_status, name=f"{place}/status"))]
        found = await calls(Locations.list_locations, name=place)
        return [row for each in found.locations for row in await _rows_of(calls, each.name)]
    except ApiError:  # deleted meanwhile, or a role that gives only a part
        return []


async def _rows_of(calls: Calls, parent: str) -> list[QueueRow]:
    rows: list[QueueRow] = []
    token, more, pace = "", True, Pace()
    while more:
        page = await calls(Operator.list_queue_statuses, parent=parent, page_size=PAGE, page_token=token)
        for status in page.statuses:
            rows.append(row_of(status))
            if pace.due:
                await pace.step()
        token = page.next_page_token
        more = bool(token) and bool(page.statuses)
    return rows


def row_of(status: Any) -> QueueRow:
    """A QueueStatus as a row."""
    has = status.HasField  # to look into a message that is not there takes long
    pull = status.type_ == PULL
    rates = status.rates if has("rates") else None
    return QueueRow(
        name=QueueName(status.name.removesuffix("/status")),
        state=STATES[status.state],
        pull=pull,
        depth=status.depth,
        due=status.due,
        in_flight=status.leased if pull else status.in_flight,
        next_due=moment(status, "next_due_time"),
        late=status.oldest_due_age.ToTimedelta() if has("oldest_due_age") else ON_TIME,
        succeeded=0.0 if rates is None else rates.succeeded,
        failed=0.0 if rates is None else rates.failed,
        throttle=status.throttle_factor,
        dead=status.dead,
        blocked_by=status.blocked_by.text if has("blocked_by") else "",
    )


def moment(message: Any, field: str) -> datetime | None:
    """A Timestamp field as an aware UTC datetime; None while it is unset."""
    return getattr(message, field).ToDatetime(tzinfo=UTC) if message.HasField(field) else None
