"""What can be asked about a queue's work just now."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from tidegate.core.bucket import Flow
from tidegate.core.queue import Kind, Queue


class QueueStats(Struct, frozen=True):
    """``QueueStats`` of the API, and what is left in the token bucket.

    ``next_due`` is ``oldest_estimated_arrival_time``; None while no task waits. ``throttle_factor`` is the share of its
    rate that throttling leaves a queue, 1 when it is not slowed.
    """

    tasks: int
    next_due: datetime | None
    executed_last_minute: int
    in_flight: int
    effective_rate: float
    tokens: float = 0.0
    throttle_factor: float = 1.0


def effective_rate(queue: Queue, flow: Flow, now: datetime) -> float:
    """Attempts a second that the queue may start at ``now``. 0 while it is paused, and for a pull queue."""
    return flow.limits(queue.rate_limits, now).max_dispatches_per_second if queue.dispatches else 0.0


def tokens(queue: Queue, flow: Flow, now: datetime) -> float:
    """Attempts that the queue's token bucket lets it start at once at ``now``. 0 for a pull queue."""
    return flow.filled(queue.rate_limits, now).bucket.tokens if queue.kind is not Kind.PULL else 0.0
