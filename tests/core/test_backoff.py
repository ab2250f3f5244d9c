from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.examples import HOUR, MINUTE, SECOND

from tidegate.core.backoff import RETRY_AFTER_MAX, RetryLimit, backoff, limit_reached, retry_wait
from tidegate.core.queue import UNLIMITED_ATTEMPTS, RetryConfig
from tidegate.core.times import Duration


def config(shortest: float, longest: float, doublings: int) -> RetryConfig:
    return RetryConfig(
        min_backoff=Duration.of(timedelta(seconds=shortest)),
        max_backoff=Duration.of(timedelta(seconds=longest)),
        max_doublings=doublings,
    )


@pytest.mark.parametrize(
    ("retry", "waits"),
    [
        (config(10, 300, 3), [10, 20, 40, 80, 160, 240, 300, 300]),
        (config(10, 300, 0), [*range(10, 301, 10), 300]),
        (config(1, 7, 1), [1, 2, 4, 6, 7, 7]),
        (config(1, 1, 5), [1, 1, 1]),
        (RetryConfig(), [*(0.1 * 2**n for n in range(16)), 3600, 3600]),
    ],
)
def test_the_wait_doubles_then_grows_steadily_then_stays(retry: RetryConfig, waits: list[float]) -> None:
    assert [backoff(n, retry) / SECOND for n in range(1, len(waits) + 1)] == pytest.approx(waits)


def test_the_default_doubles_for_the_sixteenth_time_to_3276_8_seconds() -> None:
    assert backoff(16, RetryConfig()) == timedelta(seconds=3276.8)


def test_without_a_shortest_wait_there_is_none() -> None:
    assert backoff(5, config(0, 300, 3)) == timedelta()


def test_a_wait_keeps_nanoseconds_until_the_end_and_is_never_shorter() -> None:
    retry = RetryConfig(min_backoff=Duration(0, 1), max_backoff=Duration(1), max_doublings=16)
    assert backoff(1, retry) == timedelta(microseconds=1)
    assert backoff(11, retry) == timedelta(microseconds=2)  # 1024 ns


@given(
    st.integers(1, 2**31), st.integers(0, 315_576_000_000), st.integers(0, 315_576_000_000), st.integers(0, 2**31 - 1)
)
def test_any_count_and_any_config_give_a_wait_between_none_and_the_longest(
    failures: int, shortest: int, longest: int, doublings: int
) -> None:
    retry = RetryConfig(min_backoff=Duration(shortest), max_backoff=Duration(longest), max_doublings=doublings)
    assert timedelta() <= backoff(failures, retry) <= Duration(longest).timedelta()


@given(st.integers(1, 200), st.integers(1, 10**12), st.integers(0, 40))
def test_waits_never_shrink(failures: int, shortest: int, doublings: int) -> None:
    retry = RetryConfig(min_backoff=Duration(0, shortest), max_backoff=Duration(3600), max_doublings=doublings)
    assert backoff(failures, retry) <= backoff(failures + 1, retry)


def test_what_the_handler_asks_for_lengthens_the_wait_but_never_shortens_it() -> None:
    retry = config(10, 300, 3)
    assert retry_wait(1, retry, None) == 10 * SECOND
    assert retry_wait(1, retry, 5 * SECOND) == 10 * SECOND
    assert retry_wait(1, retry, MINUTE) == MINUTE


def test_a_handler_may_not_park_a_task_for_longer_than_an_hour() -> None:
    assert RETRY_AFTER_MAX == HOUR
    assert retry_wait(1, config(10, 300, 3), 30 * HOUR) == HOUR


def attempts_made(max_attempts: int, limit: float, wait: float) -> int | None:
    """How many attempts a task gets whose handler fails at once, with steady waits; None for no end in sight."""
    retry = RetryConfig(max_attempts=max_attempts, max_retry_duration=Duration.of(timedelta(seconds=limit)))
    for attempts in range(1, 1000):
        if limit_reached(attempts, timedelta(seconds=wait * (attempts - 1)), retry):
            return attempts
    return None


@pytest.mark.parametrize(
    ("max_attempts", "limit", "wait", "made"),
    [
        (1, 0, 1, 1),
        (5, 0, 1, 5),
        (UNLIMITED_ATTEMPTS, 0, 1, None),
        (UNLIMITED_ATTEMPTS, 3, 2, 3),  # observed
        (2, 3, 2, 3),  # observed: enough attempts, but too little time
        (4, 1, 1, 4),  # observed: enough time, but too few attempts
        (2, 2, 1, 3),
    ],
)
def test_a_task_is_given_up_when_all_its_limits_are_reached(
    max_attempts: int, limit: float, wait: float, made: int | None
) -> None:
    assert attempts_made(max_attempts, limit, wait) == made


def test_time_is_up_exactly_when_the_retry_duration_has_passed() -> None:
    retry = RetryConfig(max_attempts=UNLIMITED_ATTEMPTS, max_retry_duration=Duration(3))
    assert not limit_reached(9, 3 * SECOND - timedelta(microseconds=1), retry)
    assert limit_reached(9, 3 * SECOND, retry)


def test_the_limits_that_end_the_retries_are_named() -> None:
    duration = Duration(3)
    attempts_only = RetryConfig(max_attempts=2)
    time_only = RetryConfig(max_attempts=UNLIMITED_ATTEMPTS, max_retry_duration=duration)
    both = RetryConfig(max_attempts=2, max_retry_duration=duration)
    named = [limit_reached(2, 3 * SECOND, retry) for retry in (attempts_only, time_only, both)]
    assert named == [RetryLimit.MAX_ATTEMPTS, RetryLimit.MAX_RETRY_DURATION, RetryLimit.BOTH]
