"""Ramp-up: a new, idle or suddenly full queue starts at 500 a second and grows by half every five minutes.

Cloud Tasks advises its callers to grow their traffic like this ("500/50/5"); with a ramp the queue does it for them. It
changes nothing for queues whose rate is at most 500 a second.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from tidegate.core.queue import RateLimits, burst_for

# https://cloud.google.com/tasks/docs/manage-cloud-task-scaling
START = 500.0
"""Dispatches a second that are always allowed."""
GROWTH = 1.5
"""The factor by which the rate may grow from one period to the next."""
PERIOD = timedelta(minutes=5)

CLOCK_SET_BACK = timedelta(minutes=1)  # a step back of more than this means that the clock was set; a new period begins


class Ramp(Struct, frozen=True, array_like=True):
    """How fast a queue may be in the period that began at ``since``, and how much it has ``started`` in it."""

    since: datetime
    allowed: float = START
    started: int = 0

    def at(self, now: datetime) -> Ramp:
        """The ramp at ``now``. A period allows half as much again as was started in the one before, and at least
        ``START``.
        """
        if now < self.since - CLOCK_SET_BACK:
            return Ramp(now)
        periods = (now - self.since) // PERIOD
        if periods <= 0:
            return self
        since = self.since + periods * PERIOD
        if periods > 1:  # a whole period went by without a dispatch
            return Ramp(since)
        reached = min(self.started / PERIOD.total_seconds(), self.allowed)
        return Ramp(since, max(START, reached * GROWTH))

    def limits(self, limits: RateLimits, now: datetime) -> RateLimits:
        """The limits at ``now``: a rate of at most what the ramp allows, and the burst of that rate."""
        allowed = self.at(now).allowed
        if limits.max_dispatches_per_second <= allowed:
            return limits
        burst = min(limits.max_burst_size, burst_for(allowed))
        return replace(limits, max_dispatches_per_second=allowed, max_burst_size=burst)

    def counted(self, started: int, now: datetime) -> Ramp:
        """The ramp with this many more dispatches counted."""
        ramp = self.at(now)
        return replace(ramp, started=ramp.started + started)
