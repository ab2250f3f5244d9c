"""How long a failed task waits, and when it is given up."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum

from tidegate.core.queue import UNLIMITED_ATTEMPTS, RetryConfig
from tidegate.core.times import Duration

RETRY_AFTER_MAX = timedelta(hours=1)  # our choice: a handler may not park a task for longer


def backoff(failures: int, retry: RetryConfig) -> timedelta:
    """The wait before the next attempt, after ``failures`` failed ones (at least 1).

    Doubles ``max_doublings`` times, then grows by the last doubled step, up to ``max_backoff``:
    10, 20, 40, 80, 160, 240, 300, 300 s for a config of 10 s, 300 s and 3 doublings.
    """
    doublings = min(failures - 1, retry.max_doublings)
    steps = failures - doublings  # 1 while doubling, then 2, 3, 4 …
    longest = retry.max_backoff.total_nanos
    shortest = retry.min_backoff.total_nanos
    # Past this many doublings any wait is over the longest one; without the bound 2**doublings could fill the memory.
    if shortest and doublings > longest.bit_length():
        wait = longest
    else:
        wait = min(longest, (shortest << doublings) * steps) if shortest else 0
    return Duration(0, wait).timedelta()


def retry_wait(failures: int, retry: RetryConfig, retry_after: timedelta | None) -> timedelta:
    """The backoff, or what the handler asked for with Retry-After when that is longer."""
    wait = backoff(failures, retry)
    return wait if retry_after is None else max(wait, min(retry_after, RETRY_AFTER_MAX))


class RetryLimit(Enum):
    """The limit of a RetryConfig that ends a task's retries; the values are the API's fields."""

    MAX_ATTEMPTS = "max_attempts"
    MAX_RETRY_DURATION = "max_retry_duration"
    BOTH = "max_attempts and max_retry_duration"


def limit_reached(attempts: int, since_first: timedelta, retry: RetryConfig) -> RetryLimit | None:
    """Which limit forbids another attempt of a task that failed its attempt number ``attempts``; None: it is retried.

    ``since_first`` is the time since its first dispatch. With both limits set, both must be reached.
    """
    unlimited = retry.max_attempts == UNLIMITED_ATTEMPTS
    if not unlimited and attempts < retry.max_attempts:
        return None
    if not retry.max_retry_duration.total_nanos:
        return None if unlimited else RetryLimit.MAX_ATTEMPTS
    if since_first < retry.max_retry_duration.timedelta():
        return None
    return RetryLimit.MAX_RETRY_DURATION if unlimited else RetryLimit.BOTH
