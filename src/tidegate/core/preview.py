"""What settings would mean: when a task would be tried, and how long a backlog would take."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from msgspec import Struct

from tidegate.core.queue import UNLIMITED_ATTEMPTS, RateLimits, RetryConfig
from tidegate.core.times import Duration

ATTEMPTS_SHOWN: Final = 100
"""Attempts whose times are told: as many as a queue makes by default."""
LONGEST: Final = Duration(315_576_000_000)
"""The longest google.protobuf.Duration, 10,000 years. What would take longer never happens."""


class RetryPreview(Struct, frozen=True):
    """The times of the attempts of a task whose attempts all fail at once, the first at zero, and when it is given up:
    None for never.
    """

    attempts: Sequence[Duration]
    gives_up_at: Duration | None


def preview_retries(retry: RetryConfig) -> RetryPreview:
    """When a task with these settings is tried, up to ``ATTEMPTS_SHOWN`` times, and when it is given up."""
    last = _last_attempt(retry)
    shown = ATTEMPTS_SHOWN if last is None else min(last, ATTEMPTS_SHOWN)
    times = [_waited(failures, retry) for failures in range(shown)]
    attempts = [Duration(0, 0) if not time else _duration(time) for time in times if time <= LONGEST.total_nanos]
    end = None if last is None else _waited(last - 1, retry)
    return RetryPreview(attempts, None if end is None or end > LONGEST.total_nanos else _duration(end))


def drain_time(backlog: int, limits: RateLimits) -> Duration | None:
    """How long it takes at least until so many due tasks have been started, by rate and burst; None for never."""
    beyond = max(0, backlog - limits.max_burst_size)
    if not beyond:
        return Duration()
    seconds = beyond / limits.max_dispatches_per_second
    return Duration.of(timedelta(seconds=seconds)) if seconds <= LONGEST.seconds else None


def _last_attempt(retry: RetryConfig) -> int | None:
    """The number of the attempt after which the task is given up; None when it never is. With both limits set, both
    must be reached.
    """
    unlimited = retry.max_attempts == UNLIMITED_ATTEMPTS
    span = retry.max_retry_duration.total_nanos
    most = 1 if unlimited else max(1, retry.max_attempts)
    if not span:
        return None if unlimited else most
    high = most
    while _waited(high - 1, retry) < span:
        if not _waited(high, retry) and not _waited(2 * high + 64, retry):
            return None  # it does not wait between attempts, so no time passes
        high *= 2
    low = most
    while low < high:  # the waits only grow, so the first attempt that is late enough can be searched for
        middle = (low + high) // 2
        if _waited(middle - 1, retry) < span:
            low = middle + 1
        else:
            high = middle
    return low


def _waited(failures: int, retry: RetryConfig) -> int:
    """Nanoseconds of the waits after so many failures together: the sum of ``backoff.backoff`` over them.

    A sum of three parts: waits that double, waits that grow by the same step, waits as long as the longest.
    """
    shortest, longest = retry.min_backoff.total_nanos, retry.max_backoff.total_nanos
    if not shortest or not failures:
        return 0
    total = counted = 0
    while counted < failures and counted < retry.max_doublings and (wait := shortest << counted) < longest:
        total += wait
        counted += 1
    left = failures - counted
    if not left or counted < retry.max_doublings or shortest << retry.max_doublings >= longest:
        return total + left * longest
    step = shortest << retry.max_doublings
    growing = min(left, longest // step)
    return total + step * growing * (growing + 1) // 2 + (left - growing) * longest


def _duration(nanos: int) -> Duration:
    return Duration(*divmod(nanos, 1_000_000_000))
