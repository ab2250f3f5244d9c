"""What every tab of a queue shows on top: its state, its numbers, and what holds it up."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, Final

from msgspec import Struct

from tidegate.console.queue_rows import QueueRow
from tidegate.console.snapshot import row_of
from tidegate.console.states import State, queue_state
from tidegate.console.visit import Visit, if_built
from tidegate.core.names import QueueName
from tidegate.schema.operator import Operator
from tidegate.schema.v2beta3 import CloudTasks

TABS: Final = (
    ("", "Tasks", "cloudtasks.tasks.list"),
    ("metrics", "Metrics", "tidegate.queues.getStatus"),
    ("logs", "Logs", "tidegate.attempts.list"),
    ("configuration", "Configuration", ""),
    ("dead-letters", "Dead letters", "tidegate.deadTasks.list"),
    ("permissions", "Permissions", "cloudtasks.queues.getIamPolicy"),
)
"""Path, name, and the permission beyond those of every page of a queue."""


class Head(Struct, frozen=True):
    """A queue with its numbers. ``queue`` is a v2beta3 Queue, ``status`` a QueueStatus."""

    name: QueueName
    queue: Any
    status: Any
    row: QueueRow
    state: State
    tab: str
    tabs: Any

    @property
    def rate(self) -> float:
        """Dispatches a second that the settings allow."""
        rate: float = self.queue.rate_limits.max_dispatches_per_second
        return rate

    @property
    def most(self) -> int:
        """Attempts at one time that the settings allow."""
        most: int = self.queue.rate_limits.max_concurrent_dispatches
        return most

    @property
    def allowed(self) -> float:
        """Dispatches a second that are allowed just now."""
        return self.rate * self.row.throttle

    @property
    def gained(self) -> float:
        """Tasks a minute that come in beyond those that leave."""
        return float(self.status.rates.created - self.row.succeeded)

    @property
    def drains_in(self) -> timedelta | None:
        """How long until nothing is left at the pace of the last minute; None for never."""
        if self.row.state != "running":
            return None
        pace = -self.gained
        return timedelta(minutes=self.row.depth / pace) if pace > 0 else None


async def head_of(visit: Visit, name: QueueName, tab: str) -> Head:
    """Raises ApiError, NotFound for a queue that is not there."""
    queue, status = await asyncio.gather(
        visit.calls(CloudTasks.get_queue, name=name), visit.calls(Operator.get_queue_status, name=f"{name}/status")
    )
    row = row_of(status)
    return Head(name, queue, status, row, queue_state(row.state, pull=row.pull), tab, TABS)


async def holding(visit: Visit, head: Head) -> Any:
    """The Reason why the queue does less than it could; None when nothing stands in its way."""
    if head.status.HasField("blocked_by"):
        return head.status.blocked_by
    explained = await if_built(visit.calls(Operator.explain_queue, name=head.name))
    return next(iter(explained.reasons), None) if explained is not None else None
