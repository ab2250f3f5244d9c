"""Spans and moments of requests, for which only a range is said."""

from __future__ import annotations

from datetime import datetime, timedelta

from tidegate.core.errors import InvalidArgument
from tidegate.core.time_text import seconds
from tidegate.core.times import NANOS_PER_SECOND, Duration, moment
from tidegate.core.validation.schedule import LAST_SECOND

FIRST_SECOND = -62_135_596_800  # of the year 1; google.protobuf.Timestamp begins there


def checked_span(sent: Duration, field: str, most: timedelta, least: timedelta = timedelta()) -> timedelta:
    """The span in microseconds. InvalidArgument, naming the ``field``, unless it is between ``least`` and ``most``."""
    span = sent.timedelta()
    if not least <= span <= most or abs(sent.nanos) >= NANOS_PER_SECOND or sent.seconds * sent.nanos < 0:
        shown = f"{sent.seconds}s" if not sent.nanos else f"{sent.seconds}s and {sent.nanos}ns"
        raise InvalidArgument(f"{field} must be between {seconds(least)} and {seconds(most)}, but it is {shown}.")
    return span


def checked_moment(sent_seconds: int, nanos: int, field: str) -> datetime:
    """The moment that a Timestamp stands for, cut to microseconds. InvalidArgument, naming the ``field``, when it
    stands for none.
    """
    if not FIRST_SECOND <= sent_seconds <= LAST_SECOND or not 0 <= nanos < NANOS_PER_SECOND:
        raise InvalidArgument(
            f"{field} must be between the years 1 and 9999, but it has {sent_seconds} seconds and {nanos} nanos."
        )
    return moment(sent_seconds * 1_000_000 + nanos // 1000)
