"""When a task may be scheduled, and how long its attempts may take."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.examples import DAY, HOUR, MINUTE, NOON, SECOND, URL
from tests.core.validation.drafts import INVALID, checked, limited, refusal, settled, timed

from tidegate.core.errors import ApiError
from tidegate.core.task import PullMessage
from tidegate.core.times import Duration
from tidegate.core.validation import AppEngineDraft, HttpDraft, NewTask, PullDraft, TaskDraft
from tidegate.core.validation.schedule import pacific

NOON_SECONDS = int(NOON.timestamp())


@pytest.mark.parametrize(
    "when",
    [None, (NOON_SECONDS, 0), (NOON_SECONDS - 1, 999_999_999), (0, 0), (-1, 0), (-62_135_596_801, 5), (-(2**63), 0)],
)
def test_no_time_or_one_that_has_passed_is_now(when: tuple[int, int] | None) -> None:
    draft = TaskDraft(target=HttpDraft(URL), schedule_time=when)
    assert checked(draft).schedule_time is None
    assert settled(draft).schedule_time == NOON


def test_a_time_to_come_is_cut_to_microseconds() -> None:
    assert checked(timed((NOON_SECONDS + 1, 123_456_999))).schedule_time == NOON + timedelta(microseconds=1_123_456)
    assert checked(timed((NOON_SECONDS, 999))).schedule_time == NOON


def test_a_time_may_be_720_hours_ahead_and_not_a_nanosecond_more() -> None:
    last = NOON_SECONDS + 720 * 3600
    assert checked(timed((last, 0))).schedule_time == NOON + 720 * HOUR
    assert refusal(timed((last, 1))) == (
        "The Task.scheduleTime, 2026-07-31T05:00:00.000000001-07:00, is too far in the future. "
        "Schedule time must be no more than 720h in the future."
    )


@pytest.mark.parametrize("when", [(253_402_300_800, 0), (2**63 - 1, 0), (NOON_SECONDS, -1), (NOON_SECONDS, 10**9)])
def test_a_time_that_is_none_is_refused(when: tuple[int, int]) -> None:
    assert refusal(timed(when)) == INVALID


@pytest.mark.parametrize(
    ("when", "nanos", "text"),
    [
        (datetime(2100, 1, 1, tzinfo=UTC), 0, "2099-12-31T16:00:00-08:00"),
        (datetime(2100, 1, 1, tzinfo=UTC), 500_000_000, "2099-12-31T16:00:00.5-08:00"),
        (datetime(2100, 1, 1, tzinfo=UTC), 1, "2099-12-31T16:00:00.000000001-08:00"),
        (datetime(2027, 7, 1, tzinfo=UTC), 120_000_000, "2027-06-30T17:00:00.12-07:00"),
        (datetime(2027, 3, 14, 9, 59, 59, tzinfo=UTC), 0, "2027-03-14T01:59:59-08:00"),
        (datetime(2027, 3, 14, 10, tzinfo=UTC), 0, "2027-03-14T03:00:00-07:00"),
        (datetime(2027, 11, 7, 8, 59, 59, tzinfo=UTC), 0, "2027-11-07T01:59:59-07:00"),
        (datetime(2027, 11, 7, 9, tzinfo=UTC), 0, "2027-11-07T01:00:00-08:00"),
        (datetime(2026, 11, 1, 9, tzinfo=UTC), 0, "2026-11-01T01:00:00-08:00"),
        (datetime(2026, 3, 8, 10, tzinfo=UTC), 0, "2026-03-08T03:00:00-07:00"),
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), 999_999_999, "9999-12-31T15:59:59.999999999-08:00"),
    ],
)
def test_a_time_is_shown_as_in_california(when: datetime, nanos: int, text: str) -> None:
    assert pacific(int(when.timestamp()), nanos) == text


@given(st.integers(1_173_600_000, 2_140_000_000))  # from the summer time of 2007 to what zone databases write out
def test_california_is_where_the_zone_database_says(seconds: int) -> None:
    try:
        zone = ZoneInfo("America/Los_Angeles")
    except ZoneInfoNotFoundError:
        pytest.skip("no zone database on this machine")
    assert pacific(seconds, 0) == datetime.fromtimestamp(seconds, zone).isoformat()


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**31), 2**31 - 1))
def test_any_time_is_settled_or_refused(seconds: int, nanos: int) -> None:
    try:
        due = checked(timed((seconds, nanos))).schedule_time
    except ApiError:
        return
    assert due is None or NOON <= due <= NOON + 720 * HOUR


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (None, 10 * MINUTE),
        (Duration(15), 15 * SECOND),
        (Duration(1800), 30 * MINUTE),
        (Duration(20, 123_456_789), timedelta(milliseconds=20_123)),
    ],
)
def test_a_deadline_is_kept_to_the_millisecond(sent: Duration | None, stored: timedelta) -> None:
    assert checked(limited(sent)).dispatch_deadline == stored


@pytest.mark.parametrize(
    "sent",
    [
        Duration(14, 999_999_999),
        Duration(1800, 1),
        Duration(),
        Duration(-20),
        Duration(2**62),
        Duration(1799, 2 * 10**9),
    ],
)
def test_a_deadline_for_a_url_is_15_seconds_to_30_minutes(sent: Duration) -> None:
    assert refusal(limited(sent)) == "Task.dispatchDeadline must be between [15s, 30m]."


@pytest.mark.parametrize(
    ("sent", "stored"),
    [(None, None), (Duration(), None), (Duration(15), 15 * SECOND), (Duration(86_415), DAY + 15 * SECOND)],
)
def test_app_engine_may_do_without_a_deadline(sent: Duration | None, stored: timedelta | None) -> None:
    assert checked(limited(sent, AppEngineDraft())).dispatch_deadline == stored


@pytest.mark.parametrize("sent", [Duration(0, 1), Duration(14), Duration(86_415, 1), Duration(-1)])
def test_a_deadline_for_app_engine_is_15_seconds_to_a_day_and_15_seconds(sent: Duration) -> None:
    assert refusal(limited(sent, AppEngineDraft())) == "Task.dispatchDeadline must be between [15s, 24h15s]."


def test_a_pull_task_has_no_deadline() -> None:
    assert checked(limited(Duration(1), PullDraft(b"p", "tag"))) == NewTask(
        None, PullMessage("tag"), b"p", None, None, None
    )
