"""Moments and spans on the wire: ``Timestamp`` and ``Duration`` messages filled in place.

Faster than the conversions that protobuf brings, which matters where every task has three of them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from tidegate.core.errors import InvalidArgument
from tidegate.core.times import EPOCH, NANOS_PER_SECOND, SECONDS_PER_DAY, Duration, moment
from tidegate.core.validation.schedule import LAST_SECOND

FIRST_SECOND: Final = -62_135_596_800  # of the year 1; google.protobuf.Timestamp begins there


def put_moment(stamp: Any, when: datetime) -> None:
    """Write a moment into a Timestamp, a message field of its parent too: ``put_moment(task.create_time, now)``."""
    since = when - EPOCH
    stamp.seconds = since.days * SECONDS_PER_DAY + since.seconds
    stamp.nanos = since.microseconds * 1000


def put_span(message: Any, span: timedelta) -> None:
    """Write a span of zero or more into a Duration."""
    message.seconds = span.days * SECONDS_PER_DAY + span.seconds
    message.nanos = span.microseconds * 1000


def put_duration(message: Any, duration: Duration) -> None:
    message.seconds = duration.seconds
    message.nanos = duration.nanos


def read_duration(message: Any) -> Duration:
    """A Duration as it was sent, to the nanosecond; zero when it is unset."""
    return Duration(message.seconds, message.nanos)


def read_moment(stamp: Any, field: str) -> datetime:
    """The moment that a Timestamp holds, cut to microseconds. Raises InvalidArgument naming the ``field``."""
    if not FIRST_SECOND <= stamp.seconds <= LAST_SECOND or not 0 <= stamp.nanos < NANOS_PER_SECOND:
        raise InvalidArgument(f"{field} is no valid Timestamp.")
    return moment(stamp.seconds * 1_000_000 + stamp.nanos // 1000)
