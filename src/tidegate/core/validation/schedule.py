"""When a task may be due, and how the service writes a time that is too far."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from tidegate.core.errors import InvalidArgument
from tidegate.core.refusals import invalid
from tidegate.core.times import EPOCH, NANOS_PER_SECOND, micros, moment

SCHEDULE_AHEAD_MAX: Final = timedelta(hours=720)  # https://cloud.google.com/tasks/docs/quotas
LAST_SECOND: Final = 253_402_300_799  # of the year 9999; google.protobuf.Timestamp ends there


def settled_schedule(sent: tuple[int, int] | None, now: datetime) -> datetime | None:
    """When the task is due, cut to microseconds. None means at once: nothing or a past time was sent.

    ``sent`` is in seconds and nanoseconds since 1970, as a Timestamp holds them.
    """
    if sent is None:
        return None
    seconds, nanos = sent
    if seconds > LAST_SECOND or not 0 <= nanos < NANOS_PER_SECOND:
        raise invalid()
    ahead = seconds * NANOS_PER_SECOND + nanos - micros(now) * 1000
    if ahead <= 0:
        return None
    if ahead > _AHEAD_NANOS:
        raise InvalidArgument(
            f"The Task.scheduleTime, {pacific(seconds, nanos)}, is too far in the future. "
            "Schedule time must be no more than 720h in the future."
        )
    return moment(seconds * 1_000_000 + nanos // 1000)


_AHEAD_NANOS: Final = SCHEDULE_AHEAD_MAX // timedelta(microseconds=1) * 1000


def pacific(seconds: int, nanos: int) -> str:
    """A moment as the service writes it: in US Pacific time, with the shortest fraction.

    Daylight saving time lasts from the second Sunday of March to the first Sunday of November, each at 2 am, as the law
    has it since 2007. It is computed here because not every machine has the time zone database.
    """
    when = EPOCH + timedelta(seconds=seconds)
    starts = _sunday(when.year, 3, 8) + timedelta(hours=10)  # 2 am standard time
    ends = _sunday(when.year, 11, 1) + timedelta(hours=9)  # 2 am daylight saving time
    offset = -7 if starts <= when < ends else -8
    fraction = f".{nanos:09d}".rstrip("0") if nanos else ""
    local = when + timedelta(hours=offset)
    return f"{local:%Y-%m-%dT%H:%M:%S}{fraction}{offset:03d}:00"


def _sunday(year: int, month: int, day: int) -> datetime:
    """The first Sunday on or after a day."""
    first = datetime(year, month, day, tzinfo=UTC)
    return first + timedelta(days=6 - first.weekday())
