"""Queues as callers send them."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from tests.core.examples import queue

from tidegate.core.errors import ApiError, InvalidArgument
from tidegate.core.queue import HttpTarget, Queue, RateLimits, RetryConfig, UriOverride
from tidegate.core.times import Duration
from tidegate.core.validation import Ceilings, check_queue

CEILINGS = Ceilings()
UNSET_LIMITS = RateLimits(0, 0, 0)
BURST = {"max_burst_size"}
UNSET_RETRY = RetryConfig(0, Duration(), Duration(), Duration(), 0)


def sent(**changes: Any) -> Queue:
    """A queue as sent with nothing set but these."""
    values: dict[str, Any] = {
        "rate_limits": UNSET_LIMITS,
        "retry_config": UNSET_RETRY,
        "task_ttl": timedelta(),
        "tombstone_ttl": timedelta(),
    }
    return queue(**{**values, **changes})


def limits(rate: float = 0, burst: int = 0, concurrency: int = 0) -> Queue:
    return sent(rate_limits=RateLimits(rate, burst, concurrency))


def retry(**changes: Any) -> Queue:
    return sent(retry_config=replace(UNSET_RETRY, **changes))


def routed(override: UriOverride | None = None, **changes: Any) -> Queue:
    return sent(http_target=HttpTarget(uri_override=override, **changes))


def refused(faulty: Queue, ceilings: Ceilings = CEILINGS) -> ApiError:
    with pytest.raises(InvalidArgument) as caught:
        check_queue(faulty, ceilings)
    return caught.value


INVALID = "Request contains an invalid argument."
