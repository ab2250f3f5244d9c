"""A queue slows down while its handlers ask for room, and comes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.core.lifecycle import Outcome
from tidegate.core.queue import RateLimits
from tidegate.core.task import AppEngineRequest, HttpRequest
from tidegate.core.throttle import NOT_SLOWED, Throttle

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HTTP = HttpRequest("https://handler.test/")
APP = AppEngineRequest()
LIMITS = RateLimits(max_dispatches_per_second=100, max_burst_size=20)


def answered(status: int, times: int = 1) -> list[tuple[HttpRequest, Outcome]]:
    return [(HTTP, Outcome(http_status=status))] * times


@pytest.mark.parametrize("status", [429, 503])
def test_a_handler_that_asks_for_room_halves_the_rate_and_the_burst(status: int) -> None:
    slowed = NOT_SLOWED.after(answered(status), NOON)
    limits = slowed.limits(LIMITS, NOON)
    assert (limits.max_dispatches_per_second, limits.max_burst_size) == (50, 10)
    assert limits.max_concurrent_dispatches == LIMITS.max_concurrent_dispatches


@pytest.mark.parametrize("status", [200, 302, 404, 500])
def test_other_answers_alone_do_not(status: int) -> None:
    assert NOT_SLOWED.after(answered(status, 5), NOON).limits(LIMITS, NOON) == LIMITS


def test_app_engine_slows_for_503_but_not_for_429() -> None:
    assert NOT_SLOWED.after([(APP, Outcome(http_status=429))], NOON).factor_at(NOON) == 1
    assert NOT_SLOWED.after([(APP, Outcome(http_status=503))], NOON).factor_at(NOON) == 0.5


def test_the_rate_is_halved_once_a_second_however_many_ask() -> None:
    throttle = NOT_SLOWED
    for tenth in range(10):
        throttle = throttle.after(answered(503, 7), NOON + tenth * SECOND / 10)
    assert throttle.factor_at(NOON + 0.9 * SECOND) == pytest.approx(0.5, rel=0.15)
    throttle = throttle.after(answered(503), NOON + SECOND)
    assert throttle.factor_at(NOON + SECOND) == pytest.approx(0.25, rel=0.15)


def test_it_comes_back_by_a_tenth_each_quiet_second_and_is_forgotten_then() -> None:
    slowed = NOT_SLOWED.after(answered(503), NOON)
    assert slowed.factor_at(NOON + SECOND) == pytest.approx(0.55)
    assert slowed.factor_at(NOON + 2 * SECOND) == pytest.approx(0.605)
    assert slowed.factor_at(NOON + 8 * SECOND) == 1
    later = slowed.after(answered(200), NOON + 60 * SECOND)
    assert (later.factor, later.since) == (1.0, None)


def test_errors_and_silence_slow_when_most_of_twenty_answers_are_such() -> None:
    silent = [(HTTP, Outcome(timed_out=True))]
    assert NOT_SLOWED.after(answered(500, 10) + silent * 9, NOON).factor_at(NOON) == 1  # 19 answers
    assert NOT_SLOWED.after(answered(500, 10) + silent * 10, NOON).factor_at(NOON) == 0.5
    assert NOT_SLOWED.after(answered(500, 10) + answered(200, 10), NOON).factor_at(NOON) == 1  # half is not most


def test_answers_count_for_ten_seconds() -> None:
    busy = NOT_SLOWED.after(answered(200, 1000), NOON)
    assert busy.after(answered(500, 30), NOON + 9 * SECOND).factor_at(NOON + 9 * SECOND) == 1
    assert busy.after(answered(500, 30), NOON + 10 * SECOND).factor_at(NOON + 10 * SECOND) == 0.5


def test_one_dispatch_a_second_always_remains_unless_the_queue_allows_fewer() -> None:
    throttle = NOT_SLOWED
    for second in range(60):
        throttle = throttle.after(answered(503), NOON + second * SECOND)
    limits = throttle.limits(LIMITS, NOON + 59 * SECOND)
    assert (limits.max_dispatches_per_second, limits.max_burst_size) == (1, 1)
    slow = throttle.limits(RateLimits(max_dispatches_per_second=0.2, max_burst_size=10), NOON + 59 * SECOND)
    assert slow.max_dispatches_per_second == 0.2


@given(st.lists(st.tuples(st.floats(0, 30), st.sampled_from([200, 404, 429, 500, 503])), max_size=60))
def test_it_never_speeds_a_queue_up_nor_grows_without_bound(answers: list[tuple[float, int]]) -> None:
    throttle, now = Throttle(), NOON
    for wait, status in answers:
        now += timedelta(seconds=wait)
        throttle = throttle.after(answered(status), now)
        limits = throttle.limits(LIMITS, now)
        assert 1 <= limits.max_dispatches_per_second <= 100
        assert 1 <= limits.max_burst_size <= 20
        assert len(throttle.answers) <= 10
