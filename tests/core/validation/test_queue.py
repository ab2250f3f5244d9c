"""What is refused of a queue."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.examples import DAY, HOUR, queue
from tests.core.validation.queues import CEILINGS, INVALID, limits, refused, retry, routed, sent

from tidegate.core.errors import ApiError, ErrorInfo, InvalidArgument
from tidegate.core.queue import (
    Header,
    HttpTarget,
    Kind,
    OAuthToken,
    OidcToken,
    Queue,
    RateLimits,
    RetryConfig,
    UriOverride,
)
from tidegate.core.times import Duration
from tidegate.core.validation import Ceilings, check_attempts, check_queue, settle_queue


@pytest.mark.parametrize(
    ("faulty", "text"),
    [
        (limits(rate=-0.1), "RateLimits.maxDispatchesPerSecond cannot be negative."),
        (limits(rate=-math.inf), "RateLimits.maxDispatchesPerSecond cannot be negative."),
        (limits(rate=500.1), "RateLimits.maxDispatchesPerSecond must be less than or equal to 500."),
        (limits(rate=math.inf), "RateLimits.maxDispatchesPerSecond must be less than or equal to 500."),
        (limits(rate=math.nan), "RateLimits.maxDispatchesPerSecond must be less than or equal to 500."),
        (limits(concurrency=-1), "RateLimits.maxConcurrentDispatches cannot be negative."),
        (limits(concurrency=5001), "RateLimits.maxConcurrentDispatches must be less than or equal to 5000."),
        (limits(burst=501), "RateLimits.maxBurstSize must be less than or equal to 500."),
        (retry(max_attempts=-2), "RetryConfig.maxAttempts must be greater or equal to -1."),
        (retry(max_doublings=-1), "RetryConfig.maxDoublings cannot be negative."),
        (retry(min_backoff=Duration(0, -1)), "RetryConfig.minBackoff cannot be negative."),
        (retry(min_backoff=Duration(-1)), "RetryConfig.minBackoff cannot be negative."),
        (retry(max_backoff=Duration(0, -1)), "RetryConfig.maxBackoff cannot be negative."),
        (retry(max_backoff=Duration(1, -1)), "RetryConfig.maxBackoff cannot be negative."),
        (retry(max_backoff=Duration(0, 10**9)), INVALID),
        (retry(max_backoff=Duration(315_576_000_001)), INVALID),
        (retry(max_retry_duration=Duration(315_576_000_001)), INVALID),
        (
            retry(max_retry_duration=Duration(-1)),
            "RetryConfig.max_retry_duration.seconds cannot be negative.",
        ),
        (
            retry(max_retry_duration=Duration(-1, -5)),
            "RetryConfig.max_retry_duration.seconds cannot be negative.",
        ),
        (retry(max_retry_duration=Duration(1, 5)), "RetryConfig.max_retry_duration.nanos cannot be set."),
        (retry(max_retry_duration=Duration(0, -5)), "RetryConfig.max_retry_duration.nanos cannot be set."),
        (sent(sampling_ratio=-0.01), "sampling_ratio must be between 0.0 and 1.0."),
        (sent(sampling_ratio=1.01), "sampling_ratio must be between 0.0 and 1.0."),
        (sent(sampling_ratio=math.nan), "sampling_ratio must be between 0.0 and 1.0."),
        (sent(task_ttl=10 * DAY - HOUR), "Queue.taskTtl must be between [10d, 3650d]."),
        (sent(task_ttl=-DAY), "Queue.taskTtl must be between [10d, 3650d]."),
        (sent(task_ttl=3651 * DAY), "Queue.taskTtl must be between [10d, 3650d]."),
        (sent(tombstone_ttl=HOUR / 2), "Queue.tombstoneTtl must be between [1h, 9d]."),
        (sent(tombstone_ttl=10 * DAY), "Queue.tombstoneTtl must be between [1h, 9d]."),
        (routed(token=OidcToken("")), "service_account_email must be set."),
        (routed(token=OAuthToken("", "scope")), "service_account_email must be set."),
        (routed(token=OidcToken("nobody")), INVALID),
        (routed(token=OidcToken("@example.com")), INVALID),
        (routed(token=OidcToken("a@")), INVALID),
        (routed(token=OidcToken("a@b@c")), INVALID),
    ],
)
def test_a_setting_out_of_range_is_refused(faulty: Queue, text: str) -> None:
    error = refused(faulty)
    assert error.message == text
    assert error.details == ()


@pytest.mark.parametrize(
    "good",
    [
        sent(),
        limits(500, 500, 5000),
        limits(0.0001, -5, 1),
        limits(-0.0),
        retry(max_attempts=-1),
        retry(max_backoff=Duration(315_576_000_000, 999_999_999)),
        retry(min_backoff=Duration(9), max_backoff=Duration(3)),  # that is for the merged result to say
        sent(sampling_ratio=1),
        sent(task_ttl=10 * DAY, tombstone_ttl=HOUR),
        sent(task_ttl=3650 * DAY, tombstone_ttl=9 * DAY),
        sent(http_target=HttpTarget()),
        routed(token=OidcToken("a@b")),
        routed(UriOverride(scheme=0)),
        routed(UriOverride(scheme=1, host="example.com", port=65536, path="", query="?a=1", enforce_mode=2)),
        routed(UriOverride(port=0)),
        routed(UriOverride(path="path")),
        routed(http_method=7, header_overrides=(Header("X-A"), Header("X-A", "a\r\nb"), Header("Authorization", "x"))),
    ],
)
def test_a_setting_in_range_is_taken(good: Queue) -> None:
    check_queue(good, CEILINGS)


def test_an_operator_can_raise_the_ceilings() -> None:
    raised = Ceilings(max_dispatches_per_second=2000, max_concurrent_dispatches=100_000)
    check_queue(limits(2000, 0, 100_000), raised)
    assert refused(limits(2000.5), raised).message == (
        "RateLimits.maxDispatchesPerSecond must be less than or equal to 2000."
    )
    assert refused(limits(concurrency=100_001), raised).message == (
        "RateLimits.maxConcurrentDispatches must be less than or equal to 100000."
    )


def test_lower_ceilings_lower_the_defaults() -> None:
    lowered = Ceilings(max_dispatches_per_second=100, max_concurrent_dispatches=10)
    assert settle_queue(sent(), lowered).rate_limits == RateLimits(100, 20, 10)


@pytest.mark.parametrize(
    ("override", "what"),
    [
        (UriOverride(host=""), "Invalid Host."),
        (UriOverride(host="https://example.com"), "Invalid Host."),
        (UriOverride(host="example.com:80"), "Invalid Host."),
        (UriOverride(host="example.com/a"), "Invalid Host."),
        (UriOverride(host="a b"), "Invalid Host."),
        (UriOverride(port=-1), "Port number should be a positive integer."),
        (UriOverride(), "Invalid uri_override."),
        (UriOverride(enforce_mode=1), "Invalid uri_override."),
        (UriOverride(scheme=3), ""),
        (UriOverride(host="example.com", enforce_mode=3), ""),
    ],
)
def test_routing_that_cannot_be_read_says_which_part(override: UriOverride, what: str) -> None:
    error = refused(routed(override))
    assert error.message == f"Error in parsing HttpTarget. {what}"
    assert error.details == (
        ErrorInfo("INVALID_INPUT_ON_HTTP_TARGET_OVERRIDE", "cloudtasks.googleapis.com", {"invalid_field": what}),
    )


@pytest.mark.parametrize("method", [-1, 8, 99])
def test_an_unknown_method_in_the_routing_cannot_be_read(method: int) -> None:
    error = refused(routed(http_method=method))
    assert error.message == "Error in parsing HttpTarget. "
    assert error.details == (
        ErrorInfo("INVALID_INPUT_ON_HTTP_TARGET_OVERRIDE", "cloudtasks.googleapis.com", {"invalid_field": ""}),
    )


def test_reserved_header_overrides_are_refused_together() -> None:
    error = refused(routed(header_overrides=tuple(map(Header, ["X-A", "HOST", "", "x-cloudtasks-taskname", "X A"]))))
    assert error.message == (
        "Error in parsing HttpTarget.headers. Header name cannot be empty or start with reserved prefixes. "
        "Invalid headers found: HOST, , x-cloudtasks-taskname, X A"
    )
    assert error.details == ()


def test_header_overrides_have_a_size() -> None:
    many = tuple(Header(f"X-{number}", "v" * 8000) for number in range(10))
    check_queue(routed(header_overrides=many), CEILINGS)
    assert refused(routed(header_overrides=(*many, Header("X-A", "v" * 2000)))).message == (
        "HttpTarget.headers must be less than 80 KB in total."
    )


def test_v2beta2_knows_no_attempts_below_one() -> None:
    check_attempts(1)
    for count in (0, -1):
        with pytest.raises(InvalidArgument, match=r"^RetryConfig\.maxAttempts must be greater than 0\.$"):
            check_attempts(count)


def test_an_override_that_a_mask_emptied_is_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"^Error in parsing HttpTarget\. Invalid uri_override\.$"):
        settle_queue(routed(UriOverride()), CEILINGS)


def test_a_token_is_not_checked_again_after_merging() -> None:
    merged = routed(token=OAuthToken("", "scope"))
    assert settle_queue(merged, CEILINGS).http_target == HttpTarget(token=OAuthToken("", "scope"))


@pytest.mark.parametrize("kind", Kind)
def test_the_kind_of_a_queue_cannot_change(kind: Kind) -> None:
    old = queue(kind=kind)
    assert settle_queue(sent(kind=kind), CEILINGS, old=old).kind is kind
    with pytest.raises(InvalidArgument, match=r"^Queue\.type cannot be changed\.$"):
        settle_queue(sent(kind=Kind(3 - kind)), CEILINGS, old=old)


INT32 = st.integers(-(2**31), 2**31 - 1)
DURATIONS = st.builds(Duration, st.integers(-(2**63), 2**63 - 1), INT32)


@given(
    st.builds(RateLimits, st.floats(), INT32, INT32),
    st.builds(RetryConfig, INT32, DURATIONS, DURATIONS, DURATIONS, INT32),
    st.floats(),
    st.sampled_from(Kind),
    st.none()
    | st.builds(
        HttpTarget,
        st.none() | st.builds(UriOverride, INT32, st.text(), st.integers(), st.text(), st.text(), INT32),
        INT32,
        st.lists(st.builds(Header, st.text(), st.text())).map(tuple),
        st.none() | st.builds(OidcToken, st.text(), st.text()),
    ),
)
def test_no_queue_ever_raises_anything_but_an_api_error(
    rates: RateLimits, attempts: RetryConfig, ratio: float, kind: Kind, target: HttpTarget | None
) -> None:
    strange = sent(rate_limits=rates, retry_config=attempts, sampling_ratio=ratio, kind=kind, http_target=target)
    try:
        check_queue(strange, CEILINGS)
        settled = settle_queue(strange, CEILINGS)
    except ApiError:
        return
    assert settled.rate_limits.max_dispatches_per_second > 0
    assert settled.rate_limits.max_burst_size > 0
    assert settled.rate_limits.max_concurrent_dispatches
    assert settle_queue(settled, CEILINGS, old=settled) == settled
