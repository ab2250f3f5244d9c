"""Moments and spans, in the units of the API.

A moment is an aware UTC ``datetime`` cut to microseconds; a span that the API returns to the nanosecond is a
``Duration``. Stores keep moments as microseconds since 1970.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec import Struct

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)
SECONDS_PER_DAY = 86_400
NANOS_PER_SECOND = 1_000_000_000


class Duration(Struct, frozen=True, order=True, array_like=True):
    """A span to the nanosecond, as google.protobuf.Duration holds it: ``nanos`` has the sign of ``seconds``."""

    seconds: int = 0
    nanos: int = 0

    @classmethod
    def of(cls, span: timedelta) -> Duration:
        """The same span, exactly: a ``timedelta`` has whole microseconds."""
        micros = span // MICROSECOND
        sign = -1 if micros < 0 else 1
        seconds, rest = divmod(abs(micros), 1_000_000)
        return cls(sign * seconds, sign * rest * 1000)

    @property
    def total_nanos(self) -> int:
        return self.seconds * NANOS_PER_SECOND + self.nanos

    def timedelta(self) -> timedelta:
        """The span in microseconds, rounded up so that a wait is never too short.

        Spans beyond what a ``timedelta`` holds (some 2.7 million years) become its maximum.
        """
        micros = -(-self.total_nanos // 1000)
        try:
            return timedelta(microseconds=micros)
        except OverflowError:
            return timedelta.max if micros > 0 else timedelta.min


def micros(moment: datetime) -> int:
    """Microseconds since 1970."""
    since = moment - EPOCH
    return (since.days * SECONDS_PER_DAY + since.seconds) * 1_000_000 + since.microseconds


def moment(micros: int) -> datetime:
    """The moment that many microseconds after 1970."""
    return EPOCH + timedelta(microseconds=micros)


def whole_second(moment: datetime) -> datetime:
    """The moment without its fraction of a second."""
    return moment.replace(microsecond=0)


def later(start: datetime, wait: timedelta) -> datetime:
    """``start + wait``, or the last moment a ``datetime`` can hold."""
    try:
        return start + wait
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)
