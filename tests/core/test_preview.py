"""When a task would be tried, and how long a backlog would take, before the settings are set."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.core.backoff import backoff, limit_reached
from tidegate.core.preview import ATTEMPTS_SHOWN, drain_time, preview_retries
from tidegate.core.queue import UNLIMITED_ATTEMPTS, RateLimits, RetryConfig
from tidegate.core.times import Duration


def retry(attempts: int, shortest: float, longest: float, doublings: int, span: float = 0) -> RetryConfig:
    def exact(seconds: float) -> Duration:
        return Duration(0, round(seconds * 1000) * 1_000_000)

    return RetryConfig(attempts, exact(span), exact(shortest), exact(longest), doublings)


def seconds(times: object) -> list[float]:
    return [time.total_nanos / 1e9 for time in times]  # type: ignore[attr-defined]


def test_the_attempts_stand_at_the_sums_of_their_waits() -> None:
    preview = preview_retries(retry(8, 10, 300, 3))
    assert seconds(preview.attempts) == [0, 10, 30, 70, 150, 310, 550, 850]
    assert preview.gives_up_at == Duration(850)


def test_what_is_never_given_up_has_no_end() -> None:
    preview = preview_retries(retry(UNLIMITED_ATTEMPTS, 1, 60, 16))
    assert len(preview.attempts) == ATTEMPTS_SHOWN
    assert preview.gives_up_at is None


def test_a_limit_of_time_alone_ends_it_at_the_first_attempt_beyond() -> None:
    preview = preview_retries(retry(UNLIMITED_ATTEMPTS, 10, 10, 0, span=35))
    assert seconds(preview.attempts) == [0, 10, 20, 30, 40]
    assert preview.gives_up_at == Duration(40)


def test_without_waits_no_limit_of_time_is_reached() -> None:
    assert preview_retries(retry(5, 0, 10, 3, span=1)).gives_up_at is None
    assert preview_retries(retry(5, 1, 0, 3, span=1)).gives_up_at is None
    assert preview_retries(retry(5, 0, 0, 3)).gives_up_at == Duration()


def test_an_end_beyond_all_time_is_never() -> None:
    preview = preview_retries(retry(2**31 - 1, 300_000_000_000, 300_000_000_000, 16))
    assert preview.gives_up_at is None
    assert len(preview.attempts) == 2


@given(
    st.integers(-1, 60).filter(bool),
    st.integers(0, 5000),
    st.integers(0, 50_000),
    st.integers(0, 20),
    st.integers(0, 100_000),
)
def test_it_says_what_the_rules_then_do(most: int, shortest: int, longest: int, doublings: int, span: int) -> None:
    config = retry(most, shortest / 1000, longest / 1000, doublings, span / 1000)
    preview = preview_retries(config)
    waited, number, times, end = timedelta(), 1, [timedelta()], None
    while number <= 10_000:
        if limit_reached(number, waited, config) is not None:
            end = waited
            break
        waited += backoff(number, config)
        number += 1
        times.append(waited)
    assert [time.timedelta() for time in preview.attempts] == times[:ATTEMPTS_SHOWN]
    if number <= 10_000:
        assert preview.gives_up_at is not None
        assert preview.gives_up_at.timedelta() == end


@pytest.mark.parametrize(
    ("backlog", "rate", "burst", "drained"),
    [(0, 5, 10, 0), (10, 5, 10, 0), (110, 5, 10, 20), (1_000_000, 500, 100, 1999.8), (2, 1e-9, 1, 1e9)],
)
def test_a_backlog_takes_as_long_as_its_tokens(backlog: int, rate: float, burst: int, drained: float) -> None:
    time = drain_time(backlog, RateLimits(rate, burst, 1))
    assert time is not None
    assert time.total_nanos / 1e9 == pytest.approx(drained)


def test_a_backlog_that_outlasts_all_time_never_drains() -> None:
    assert drain_time(10**15, RateLimits(1e-9, 1, 1)) is None
