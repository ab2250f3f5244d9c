"""What a queue is completed with."""

import pytest
from msgspec.structs import replace
from tests.core.examples import DAY, HOUR, queue
from tests.core.validation.queues import BURST, CEILINGS, UNSET_RETRY, limits, refused, retry, sent

from tidegate.core.app_engine import host_of
from tidegate.core.errors import InvalidArgument
from tidegate.core.queue import (
    AppEngineRouting,
    Header,
    HttpTarget,
    Kind,
    OidcToken,
    RateLimits,
    RetryConfig,
    State,
    UriOverride,
)
from tidegate.core.times import Duration
from tidegate.core.validation import check_queue, settle_queue


def test_what_is_unset_takes_its_default() -> None:
    assert settle_queue(sent(), CEILINGS) == queue(
        rate_limits=RateLimits(500, 100, 1000),
        retry_config=RetryConfig(100, Duration(), Duration(0, 100_000_000), Duration(3600), 16),
        task_ttl=31 * DAY,
        tombstone_ttl=HOUR,
    )


def test_what_is_set_stays() -> None:
    full = queue(
        rate_limits=RateLimits(7, 3, 2),
        retry_config=RetryConfig(-1, Duration(5), Duration(0, 1), Duration(1, 5), 1),
        task_ttl=20 * DAY,
        tombstone_ttl=2 * HOUR,
        http_target=HttpTarget(UriOverride(host="h"), 1, (Header("a", ""),), OidcToken("a@b")),
        sampling_ratio=0.5,
        state=State.PAUSED,
    )
    assert settle_queue(full, CEILINGS) == full


def test_the_burst_follows_the_rate_unless_it_is_set() -> None:
    assert settle_queue(limits(rate=333), CEILINGS).rate_limits.max_burst_size == 66
    assert settle_queue(limits(rate=333, burst=-7), CEILINGS).rate_limits.max_burst_size == 66
    assert settle_queue(limits(rate=333, burst=9), CEILINGS).rate_limits.max_burst_size == 9


def test_an_update_of_the_rate_alone_derives_the_burst_anew() -> None:
    old = queue(rate_limits=RateLimits(100, 50, 10))
    merged = queue(rate_limits=RateLimits(200, 50, 10))
    assert settle_queue(merged, CEILINGS, old=old, unnamed=BURST).rate_limits == RateLimits(200, 40, 10)
    assert settle_queue(merged, CEILINGS, old=old).rate_limits == RateLimits(200, 50, 10)
    unchanged = queue(rate_limits=RateLimits(100, 50, 20))
    assert settle_queue(unchanged, CEILINGS, old=old, unnamed=BURST).rate_limits == RateLimits(100, 50, 20)


def test_an_update_back_to_the_default_rate_derives_the_burst_anew() -> None:
    old = queue(rate_limits=RateLimits(10, 50, 10))
    merged = queue(rate_limits=RateLimits(0, 50, 10))
    assert settle_queue(merged, CEILINGS, old=old, unnamed=BURST).rate_limits == RateLimits(500, 100, 10)


def test_a_zero_of_a_queue_yaml_outlives_updates_that_do_not_name_it() -> None:
    old = queue(retry_config=RetryConfig(min_backoff=Duration(), max_doublings=0))
    unnamed = {"min_backoff", "max_doublings"}
    assert settle_queue(old, CEILINGS, old=old, unnamed=unnamed).retry_config == old.retry_config
    named = settle_queue(old, CEILINGS, old=old, unnamed={"min_backoff"}).retry_config
    assert (named.min_backoff, named.max_doublings) == (Duration(), 16)
    assert settle_queue(old, CEILINGS, old=old).retry_config == RetryConfig()
    assert settle_queue(old, CEILINGS, unnamed=unnamed).retry_config == RetryConfig()  # it is a new queue


def test_the_backoffs_are_compared_with_their_defaults_filled_in() -> None:
    text = r"^RetryConfig\.minBackoff must be less than or equal to RetryConfig\.maxBackoff\.$"
    for faulty in (
        retry(min_backoff=Duration(3601)),
        retry(max_backoff=Duration(0, 99_999_999)),
        retry(min_backoff=Duration(2, 1), max_backoff=Duration(2)),
    ):
        check_queue(faulty, CEILINGS)
        with pytest.raises(InvalidArgument, match=text):
            settle_queue(faulty, CEILINGS)
    settle_queue(retry(min_backoff=Duration(2), max_backoff=Duration(2)), CEILINGS)


def test_a_pull_queue_shows_its_attempts_and_no_limit_of_concurrency() -> None:
    pull = sent(
        kind=Kind.PULL,
        rate_limits=RateLimits(-1, 9999, -7),
        retry_config=RetryConfig(7, Duration(-1), Duration(9), Duration(1), -5),
    )
    check_queue(pull, CEILINGS)
    settled = settle_queue(pull, CEILINGS)
    assert settled.rate_limits.max_concurrent_dispatches == -1
    assert settled.retry_config == RetryConfig(max_attempts=7)
    assert refused(sent(kind=Kind.PULL, retry_config=replace(UNSET_RETRY, max_attempts=-2))).message == (
        "RetryConfig.maxAttempts must be greater or equal to -1."
    )


@pytest.mark.parametrize(
    ("routing", "project", "host"),
    [
        (AppEngineRouting(), "p", "p.appspot.com"),
        (AppEngineRouting("worker"), "p", "worker.p.appspot.com"),
        (AppEngineRouting("worker", "v2", "1"), "p", "1.v2.worker.p.appspot.com"),
        (AppEngineRouting("", "v2"), "p", "v2.p.appspot.com"),
        (AppEngineRouting("worker"), "example.com:app", "worker.app.example.com.appspot.com"),
        (AppEngineRouting("", "", "", "evil.example"), "p", "p.appspot.com"),
    ],
)
def test_app_engine_routing_is_stored_with_its_host(routing: AppEngineRouting, project: str, host: str) -> None:
    assert host_of(routing, project) == host
    if project == "p":
        settled = settle_queue(sent(app_engine_routing=routing), CEILINGS).app_engine_routing
        assert settled == replace(routing, host=host)
