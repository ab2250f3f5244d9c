"""What a queue's settings say of waits, of giving up and of rates, worked out apart from the server's code."""

from __future__ import annotations

import math
from dataclasses import replace

from tests.invariants.history import Limits, Replied

ASKS_FOR_ROOM = frozenset({429, 503})
"""The answers that slow a queue down, and whose Retry-After counts."""
RETRY_AFTER_MAX = 3600.0
SLOWEST = 1.0
"""Dispatches a second that a throttled queue keeps, if it may have as many."""


def backoff(failures: int, limits: Limits) -> float:
    """Seconds before the next attempt, after so many failed ones."""
    doublings = min(failures - 1, limits.max_doublings)
    return min(limits.max_backoff, limits.min_backoff * 2.0 ** min(doublings, 60) * (failures - doublings))


def wait_after(failures: int, reply: Replied, limits: Limits) -> float:
    """The backoff, or the longer wait that the answer asks for; in whole microseconds."""
    wait = math.ceil(round(backoff(failures, limits) * 1e9) / 1e3) / 1e6
    return max(wait, min(reply.retry_after, RETRY_AFTER_MAX)) if reply.status in ASKS_FOR_ROOM else wait


def gives_up(attempts: int, passed: float, limits: Limits) -> bool:
    """Whether a task is given up that failed so often, so many seconds after its first attempt."""
    long_enough = passed >= limits.max_retry_duration
    if limits.max_attempts < 0:
        return limits.max_retry_duration > 0 and long_enough
    return attempts >= limits.max_attempts and long_enough


def throttled(limits: Limits, factor: float) -> Limits:
    """The limits of a queue that may use this part of its rate."""
    if factor >= 1:
        return limits
    rate = max(limits.rate * factor, min(limits.rate, SLOWEST))
    return replace(limits, rate=rate, burst=max(1, int(limits.burst * factor)))
