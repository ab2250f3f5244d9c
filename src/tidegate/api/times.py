"""Moments and spans on the wire: ``Timestamp`` and ``Duration`` messages filled in place.

Faster than the conversions that protobuf brings, which matters where every task has three of them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tidegate.core.times import EPOCH, SECONDS_PER_DAY, Duration


def put_moment(stamp: Any, moment: datetime) -> None:
    """Write a moment into a Timestamp, a message field of its parent too: ``put_moment(task.create_time, now)``."""
    since = moment - EPOCH
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
