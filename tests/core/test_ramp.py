"""Ramp-up: 500 a second at first, half more every five minutes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tidegate.core.bucket import Flow
from tidegate.core.queue import RateLimits
from tidegate.core.ramp import PERIOD, START, Ramp

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
FAST = RateLimits(10_000, 2000, 5000)


def used(ramp: Ramp, share: float = 1.0) -> Ramp:
    """The ramp after a period in which so much of it was used."""
    started = int(ramp.allowed * PERIOD / SECOND * share)
    return ramp.counted(started, ramp.since).at(ramp.since + PERIOD)


def test_a_new_queue_starts_at_500_a_second_with_the_burst_of_that() -> None:
    assert Ramp(NOON).limits(FAST, NOON) == RateLimits(500, 100, 5000)


def test_it_grows_by_half_every_five_minutes_while_it_is_used() -> None:
    ramp, rates = Ramp(NOON), []
    for _ in range(5):
        rates.append(ramp.allowed)
        ramp = used(ramp)
    assert rates == [500, 750, 1125, 1687.5, 2531.25]


def test_what_is_not_used_does_not_grow() -> None:
    assert used(Ramp(NOON), share=0.5).allowed == START


def test_a_queue_that_was_idle_for_a_period_starts_over() -> None:
    ramp = used(used(Ramp(NOON)))
    assert ramp.at(ramp.since + PERIOD - SECOND).allowed == 1125
    assert ramp.counted(1000, ramp.since).at(ramp.since + 2 * PERIOD).allowed == START


def test_a_queue_of_500_a_second_or_less_feels_nothing() -> None:
    limits = RateLimits(500, 100, 1000)
    assert Ramp(NOON).limits(limits, NOON) is limits


def test_a_clock_set_back_starts_the_period_anew_and_a_small_step_waits() -> None:
    ramp = used(used(Ramp(NOON)))
    assert ramp.at(ramp.since - 2 * SECOND) == ramp
    assert ramp.at(ramp.since - 3600 * SECOND) == Ramp(ramp.since - 3600 * SECOND)


def test_a_flow_ramps_only_where_it_is_told_to() -> None:
    flow = Flow.fresh(FAST, NOON)
    assert flow.ramping(NOON, on=False) is flow
    assert flow.limits(FAST, NOON) == FAST
    ramping = flow.ramping(NOON, on=True)
    assert ramping.limits(FAST, NOON).max_dispatches_per_second == START
    assert ramping.started(7, NOON).ramp == Ramp(NOON, START, 7)
    assert ramping.ramping(NOON, on=False) == flow


@given(st.lists(st.tuples(st.floats(0, 700), st.integers(0, 400_000)), max_size=30))
def test_no_period_allows_more_than_half_again_what_the_one_before_did(steps: list[tuple[float, int]]) -> None:
    ramp = Ramp(NOON)
    for wait, started in steps:
        following = ramp.counted(started, ramp.since + timedelta(seconds=wait))
        assert START <= following.allowed <= max(START, ramp.allowed * 1.5)
        ramp = following
