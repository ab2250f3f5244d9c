"""Retry settings, of a queue or of one task."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from msgspec.structs import replace

from tidegate.core.errors import InvalidArgument
from tidegate.core.queue import (
    DEFAULT_MAX_ATTEMPTS,
    DEFAULT_MAX_BACKOFF,
    DEFAULT_MAX_DOUBLINGS,
    DEFAULT_MIN_BACKOFF,
    UNLIMITED_ATTEMPTS,
    RetryConfig,
)
from tidegate.core.refusals import invalid
from tidegate.core.times import NANOS_PER_SECOND, Duration

DURATION_SECONDS_MAX: Final = 315_576_000_000  # google.protobuf.Duration

_DEFAULTS: Final = {
    "max_attempts": DEFAULT_MAX_ATTEMPTS,
    "min_backoff": DEFAULT_MIN_BACKOFF,
    "max_backoff": DEFAULT_MAX_BACKOFF,
    "max_doublings": DEFAULT_MAX_DOUBLINGS,
}


def check_retry(retry: RetryConfig) -> None:
    """Check retry settings as they were sent. 0 stands for unset."""
    if retry.max_attempts < UNLIMITED_ATTEMPTS:
        raise InvalidArgument("RetryConfig.maxAttempts must be greater or equal to -1.")
    span = retry.max_retry_duration
    if span.seconds < 0:
        raise InvalidArgument("RetryConfig.max_retry_duration.seconds cannot be negative.")
    if span.nanos:
        raise InvalidArgument("RetryConfig.max_retry_duration.nanos cannot be set.")
    if span.seconds > DURATION_SECONDS_MAX:
        raise invalid()
    _check_backoff("minBackoff", retry.min_backoff)
    _check_backoff("maxBackoff", retry.max_backoff)
    if retry.max_doublings < 0:
        raise InvalidArgument("RetryConfig.maxDoublings cannot be negative.")


def attempts_only(retry: RetryConfig) -> RetryConfig:
    """The retry settings of a pull queue as they were sent: only the number of attempts counts."""
    return RetryConfig(retry.max_attempts, Duration(), Duration(), Duration(), 0)


def check_attempts(sent: int) -> None:
    """Check ``max_attempts`` of v2beta2, where ``unlimited_attempts`` is a field of its own."""
    if sent <= 0:
        raise InvalidArgument("RetryConfig.maxAttempts must be greater than 0.")


def _check_backoff(field: str, wait: Duration) -> None:
    if wait.seconds < 0 or wait.nanos < 0:
        raise InvalidArgument(f"RetryConfig.{field} cannot be negative.")
    if wait.seconds > DURATION_SECONDS_MAX or wait.nanos >= NANOS_PER_SECOND:
        raise invalid()


def filled_retry(retry: RetryConfig, kept: Collection[str] = ()) -> RetryConfig:
    """The settings that apply, with defaults in place of what is unset. In the ``kept`` fields 0 is a value, as in a
    queue.yaml. Raises InvalidArgument when the shortest backoff is longer than the longest.
    """
    unset = {
        field: default
        for field, default in _DEFAULTS.items()
        if field not in kept and getattr(retry, field) in (0, Duration())
    }
    filled = replace(retry, **unset)
    if filled.min_backoff > filled.max_backoff:
        raise InvalidArgument("RetryConfig.minBackoff must be less than or equal to RetryConfig.maxBackoff.")
    return filled
