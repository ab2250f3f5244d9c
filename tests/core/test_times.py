from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.examples import NOON, SECOND

from tidegate.core.times import EPOCH, MICROSECOND, Duration, later, micros, moment

SPANS = st.timedeltas(timedelta(days=-10_000_000), timedelta(days=10_000_000))


@given(SPANS)
def test_a_span_survives_the_way_through_a_duration(span: timedelta) -> None:
    assert Duration.of(span).timedelta() == span


@given(SPANS)
def test_the_nanoseconds_of_a_duration_have_the_sign_of_its_seconds(span: timedelta) -> None:
    duration = Duration.of(span)
    assert duration.seconds * duration.nanos >= 0
    assert abs(duration.nanos) < 1_000_000_000


def test_a_duration_is_never_waited_for_too_short() -> None:
    assert Duration(0, 1).timedelta() == MICROSECOND
    assert Duration(1, 999).timedelta() == SECOND + MICROSECOND
    assert Duration(1, 1000).timedelta() == SECOND + MICROSECOND


def test_a_duration_longer_than_a_timedelta_holds_becomes_the_longest() -> None:
    assert Duration(315_576_000_000).timedelta() < timedelta.max
    assert Duration(10**18).timedelta() == timedelta.max
    assert Duration(-(10**18)).timedelta() == timedelta.min


def test_durations_are_ordered_by_length() -> None:
    assert sorted([Duration(1), Duration(0, 5), Duration(1, 1), Duration()]) == [
        Duration(),
        Duration(0, 5),
        Duration(1),
        Duration(1, 1),
    ]


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_survives_the_way_through_microseconds(when: datetime) -> None:
    assert moment(micros(when)) == when


def test_moments_before_1970_count_backwards() -> None:
    assert micros(EPOCH - MICROSECOND) == -1


@pytest.mark.parametrize("wait", [timedelta.max, timedelta(days=4_000_000)])
def test_a_wait_past_the_end_of_time_ends_at_the_last_moment(wait: timedelta) -> None:
    assert later(NOON, wait) == datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    assert later(NOON, SECOND) == NOON + SECOND
