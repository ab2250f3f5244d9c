"""A clock that is ahead of real time or stands still, as a value."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tidegate.core.clock_setting import FARTHEST, REAL_TIME, ClockSetting
from tidegate.core.errors import InvalidArgument

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_clock_that_was_moved_goes_on_from_there() -> None:
    moved = REAL_TIME.moved(NOON + 5 * HOUR, NOON)
    assert moved.shown(NOON) == NOON + 5 * HOUR
    assert moved.shown(NOON + HOUR) == NOON + 6 * HOUR
    assert moved.moved(NOON + 8 * HOUR, NOON + HOUR).shown(NOON + 2 * HOUR) == NOON + 9 * HOUR


def test_a_frozen_clock_stands_still_where_it_is_and_where_it_is_moved() -> None:
    frozen = ClockSetting(HOUR).frozen(NOON)
    assert frozen.shown(NOON) == frozen.shown(NOON + 9 * HOUR) == NOON + HOUR
    moved = frozen.moved(NOON + 3 * HOUR, NOON + HOUR)
    assert moved.shown(NOON + 9 * HOUR) == NOON + 3 * HOUR


def test_a_frozen_clock_that_is_set_going_goes_on_from_where_it_stood() -> None:
    frozen = ClockSetting(HOUR).frozen(NOON)
    going = frozen.going(NOON + 30 * HOUR)
    assert going.shown(NOON + 30 * HOUR) == NOON + HOUR
    assert going.shown(NOON + 31 * HOUR) == NOON + 2 * HOUR
    assert going.going(NOON) == going


def test_the_clock_moves_forward_only_and_ten_years_at_most() -> None:
    at_ten = ClockSetting(10 * HOUR)
    assert at_ten.moved(NOON + 10 * HOUR, NOON) == at_ten
    with pytest.raises(InvalidArgument, match=r"forward only: it shows 2026-03-01T22:00:00Z.* 2026-03-01T21:00:00Z"):
        at_ten.moved(NOON + 9 * HOUR, NOON)
    assert REAL_TIME.moved(NOON + FARTHEST, NOON).shown(NOON) == NOON + FARTHEST
    with pytest.raises(InvalidArgument, match=r"3653 days \(10 years\) ahead of real time, 2026-03-01T12:00:00Z"):
        REAL_TIME.moved(NOON + FARTHEST + timedelta(microseconds=1), NOON)
