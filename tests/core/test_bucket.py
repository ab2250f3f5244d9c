from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.examples import NOON, SECOND

from tidegate.core.bucket import Flow, TokenBucket
from tidegate.core.queue import RateLimits, burst_for
from tidegate.core.times import MICROSECOND

FIVE_A_SECOND = RateLimits(max_dispatches_per_second=5, max_burst_size=10)
WAITS = st.lists(st.timedeltas(timedelta(seconds=-1), timedelta(seconds=60)), min_size=1, max_size=60)
RATES = st.floats(0.001, 500)


@pytest.mark.parametrize(
    ("rate", "burst"),
    [(0.5, 10), (1, 10), (5, 10), (10, 10), (54, 10), (77, 15), (100, 20), (333, 66), (500, 100)],
)
def test_the_burst_follows_the_rate(rate: float, burst: int) -> None:
    assert burst_for(rate) == burst


def test_a_full_bucket_grants_its_burst_at_once_then_the_rate() -> None:
    granted, bucket = TokenBucket(10, NOON).take(100, FIVE_A_SECOND, NOON)
    assert granted == 10
    assert bucket.take(100, FIVE_A_SECOND, NOON)[0] == 0
    assert bucket.take(100, FIVE_A_SECOND, NOON + SECOND)[0] == 5
    assert bucket.take(100, FIVE_A_SECOND, NOON + 60 * SECOND)[0] == 10


def test_a_bucket_grants_no_more_than_was_wanted() -> None:
    granted, bucket = TokenBucket(10, NOON).take(3, FIVE_A_SECOND, NOON)
    assert (granted, bucket.tokens) == (3, 7)


def test_a_smaller_burst_counts_from_the_next_look() -> None:
    assert TokenBucket(100, NOON).take(1000, FIVE_A_SECOND, NOON)[0] == 10


def test_a_clock_that_steps_back_earns_nothing_and_loses_nothing() -> None:
    bucket = TokenBucket(0, NOON)
    stepped = bucket.filled(FIVE_A_SECOND, NOON - 30 * SECOND)
    assert stepped == bucket
    assert stepped.take(100, FIVE_A_SECOND, NOON + SECOND)[0] == 5


@given(WAITS, RATES, st.integers(1, 500))
def test_a_bucket_never_grants_more_than_burst_plus_rate(waits: list[timedelta], rate: float, burst: int) -> None:
    limits = RateLimits(max_dispatches_per_second=rate, max_burst_size=burst)
    bucket = TokenBucket(burst, NOON)
    now = latest = NOON
    total = 0
    for wait in waits:
        now += wait
        latest = max(latest, now)
        granted, bucket = bucket.take(1000, limits, now)
        total += granted
    # Each step rounds its float once; a thousand steps stay far below a millionth of a token.
    assert total <= burst + rate * ((latest - NOON) / SECOND) + 1e-6


@given(WAITS, RATES)
def test_in_every_window_the_ceiling_holds(waits: list[timedelta], rate: float) -> None:
    limits = RateLimits(max_dispatches_per_second=rate, max_burst_size=10)
    bucket, now = TokenBucket(10, NOON), NOON
    grants = []
    for wait in waits:
        now += abs(wait)
        granted, bucket = bucket.take(1000, limits, now)
        grants.append((now, granted))
    for first, (start, _) in enumerate(grants):
        total = 0
        for end, granted in grants[first:]:
            total += granted
            assert total <= 10 + rate * ((end - start) / SECOND) + 1e-6


def test_a_long_run_keeps_its_rate() -> None:
    limits, bucket, now, total = RateLimits(max_dispatches_per_second=3.3), TokenBucket(0, NOON), NOON, 0
    for _ in range(20_000):
        now += timedelta(milliseconds=37)
        granted, bucket = bucket.take(1, limits, now)
        total += granted
    assert abs(total - 3.3 * 740) <= 1


@given(st.floats(0, 0.999), RATES)
def test_at_the_promised_moment_a_token_is_there(tokens: float, rate: float) -> None:
    limits = RateLimits(max_dispatches_per_second=rate)
    bucket = TokenBucket(tokens, NOON)
    ready = bucket.ready_at(limits)
    assert bucket.take(1, limits, ready)[0] == 1
    early = ready - timedelta(microseconds=3)
    if early > NOON and rate > 1:
        assert bucket.take(1, limits, early)[0] == 0


def test_a_whole_token_is_ready_at_once() -> None:
    assert TokenBucket(1, NOON).ready_at(FIVE_A_SECOND) == NOON


@pytest.mark.parametrize("rate", [5e-324, 1e-300, 1e-12, 1e-9])
def test_the_slowest_rate_is_still_a_moment(rate: float) -> None:
    assert TokenBucket(0, NOON).ready_at(RateLimits(max_dispatches_per_second=rate)) > NOON + 1000 * SECOND


def test_a_fresh_flow_has_a_full_bucket() -> None:
    assert Flow.fresh(FIVE_A_SECOND, NOON) == Flow(TokenBucket(10, NOON), 0)


def test_a_flow_starts_no_more_attempts_than_may_be_under_way() -> None:
    limits = RateLimits(max_dispatches_per_second=500, max_burst_size=100, max_concurrent_dispatches=8)
    granted, flow = Flow.fresh(limits, NOON).grant(100, limits, NOON)
    assert (granted, flow.in_flight, flow.bucket.tokens) == (8, 8, 92)
    assert flow.grant(100, limits, NOON)[0] == 0
    granted, flow = flow.ended(3).grant(100, limits, NOON)
    assert (granted, flow.in_flight) == (3, 8)


def test_when_the_concurrency_is_lowered_the_running_attempts_end_first() -> None:
    lowered = RateLimits(max_concurrent_dispatches=2)
    flow = Flow(TokenBucket(100, NOON), in_flight=8)
    assert flow.grant(10, lowered, NOON)[0] == 0
    assert flow.ended(6).grant(10, lowered, NOON)[0] == 0
    assert flow.ended(7).grant(10, lowered, NOON)[0] == 1


def test_what_was_granted_and_not_used_comes_back() -> None:
    flow = Flow.fresh(FIVE_A_SECOND, NOON)
    _, taken = flow.grant(10, FIVE_A_SECOND, NOON)
    assert taken.give_back(10) == flow
    assert taken.give_back(0) is taken


def test_a_forced_attempt_takes_no_token_but_counts_as_under_way() -> None:
    flow = Flow(TokenBucket(0, NOON), in_flight=5).forced()
    assert flow == Flow(TokenBucket(0, NOON), in_flight=6)


def test_no_more_attempts_end_than_are_under_way() -> None:
    assert Flow(TokenBucket(0, NOON), in_flight=1).ended(5).in_flight == 0


@given(st.lists(st.tuples(st.integers(0, 50), st.floats(0, 1)), max_size=40))
def test_a_flow_stays_within_both_limits(steps: list[tuple[int, float]]) -> None:
    limits = RateLimits(max_dispatches_per_second=5, max_burst_size=10, max_concurrent_dispatches=20)
    flow, now = Flow.fresh(limits, NOON), NOON
    for wanted, used in steps:
        now += 7 * MICROSECOND + SECOND / 7
        granted, flow = flow.grant(wanted, limits, now)
        flow = flow.give_back(granted - int(granted * used))
        assert 0 <= flow.in_flight <= 20
        assert 0 <= flow.bucket.tokens <= 10
        flow = flow.ended(flow.in_flight // 3)


def test_a_clock_that_was_set_back_by_an_hour_does_not_stop_the_queue_for_an_hour() -> None:
    back = NOON - timedelta(hours=1)
    granted, bucket = TokenBucket(0, NOON).take(1, FIVE_A_SECOND, back)
    assert granted == 0
    granted, _ = bucket.take(100, FIVE_A_SECOND, back + timedelta(seconds=1))
    assert granted == 5
