"""All queues in numbers, as of a moment ago: asked for once in two seconds, and only while somebody looks."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec import Struct

from tidegate.api.pace import Pace
from tidegate.console.calls import Calls
from tidegate.console.queue_rows import QueueRow
from tidegate.core.names import QueueName
from tidegate.schema.operator import Operator
from tidegate.schema.v2beta3 import Queue

KEPT_FOR: Final = 2.0
"""Seconds for which a snapshot is shown again."""
PAGE: Final = 1000
EVERYWHERE: Final = "projects/-/locations/-"


class Snapshot(Struct, frozen=True):
    rows: list[QueueRow]
    taken_at: datetime


class Snapshots:
    """The newest snapshot. Those who ask at the same time share one."""

    def __init__(self) -> None:
        self._newest: Snapshot | None = None
        self._until = 0.0
        self._lock = asyncio.Lock()

    async def get(self, calls: Calls, now: datetime) -> Snapshot:
        """Raises ApiError."""
        clock = asyncio.get_running_loop().time
        async with self._lock:
            if self._newest is None or clock() >= self._until:
                self._newest = Snapshot(await _rows(calls), now)
                self._until = clock() + KEPT_FOR
            return self._newest

    def forget(self) -> None:
        """Ask anew next time, because something was changed here."""
        self._until = 0.0


async def _rows(calls: Calls) -> list[QueueRow]:
    rows: list[QueueRow] = []
    token, more, pace = "", True, Pace()
    while more:
        page = await calls(Operator.list_queue_statuses, parent=EVERYWHERE, page_size=PAGE, page_token=token)
        for status in page.statuses:
            rows.append(row_of(status))
            if pace.due:
                await pace.step()
        token = page.next_page_token
        more = bool(token) and bool(page.statuses)
    return rows


def row_of(status: Any) -> QueueRow:
    """A QueueStatus as a row."""
    return QueueRow(
        name=QueueName(status.name.removesuffix("/status")),
        state=Queue.State(status.state).name.lower(),
        pull=status.type_ == Queue.Type.PULL,
        depth=status.depth,
        due=status.due,
        in_flight=status.leased if status.type_ == Queue.Type.PULL else status.in_flight,
        next_due=moment(status, "next_due_time"),
        late=status.oldest_due_age.ToTimedelta() if status.HasField("oldest_due_age") else timedelta(),
        succeeded=status.rates.succeeded,
        failed=status.rates.failed,
        throttle=status.throttle_factor,
        dead=status.dead,
        blocked_by=status.blocked_by.text,
    )


def moment(message: Any, field: str) -> datetime | None:
    """A Timestamp field as an aware UTC datetime; None while it is unset."""
    return getattr(message, field).ToDatetime(tzinfo=UTC) if message.HasField(field) else None
