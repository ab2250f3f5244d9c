"""A queue in numbers, for those who look after it."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from tidegate.core.bucket import LONGEST_WAIT, Flow
from tidegate.core.queue import Queue
from tidegate.core.times import later


class WaitingCounts(Struct, frozen=True, gc=False):
    """Waiting tasks of a queue: those that are due, those that are not yet, and those of the latter that a worker has
    leased; each counted up to some most.
    """

    due: int = 0
    later: int = 0
    leased: int = 0


class Pace(Struct, frozen=True, gc=False):
    """What a queue may start: ``tokens`` at once, and its bucket is full again at ``full_at``, None when it is.

    ``throttle_factor`` is the part of its rate that is allowed, 1 without throttling; ``ramp_limit`` the attempts a
    second while it ramps up, 0 when that does not hold it.
    """

    tokens: float
    full_at: datetime | None
    throttle_factor: float
    ramp_limit: float


class QueueNumbers(Struct, frozen=True, gc=False):
    """A queue at one moment; ``next_due`` is the earliest schedule time of those that wait, None without any."""

    queue: Queue
    flow: Flow
    tasks: int
    next_due: datetime | None
    waiting: WaitingCounts
    dead: int = 0


def pace(queue: Queue, flow: Flow, now: datetime) -> Pace:
    """What a push queue may start at ``now``."""
    slowed = flow.throttle.limits(queue.rate_limits, now)
    limits = slowed if flow.ramp is None else flow.ramp.limits(slowed, now)
    bucket = flow.bucket.filled(limits, now)
    missing = limits.max_burst_size - bucket.tokens
    full_at = None
    if missing > 0 and limits.max_dispatches_per_second:
        wait = min(missing / limits.max_dispatches_per_second, LONGEST_WAIT)
        full_at = later(bucket.filled_at, timedelta(seconds=wait))
    rate = queue.rate_limits.max_dispatches_per_second
    throttled = slowed.max_dispatches_per_second
    ramped = rate if flow.ramp is None else flow.ramp.limits(queue.rate_limits, now).max_dispatches_per_second
    return Pace(bucket.tokens, full_at, throttled / rate if rate else 1.0, ramped if ramped < rate else 0.0)
