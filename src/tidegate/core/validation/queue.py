"""Queues as callers send them, and as they are stored."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from tidegate.core.app_engine import with_host
from tidegate.core.errors import InvalidArgument
from tidegate.core.queue import (
    DEFAULT_CONCURRENT_DISPATCHES,
    DEFAULT_DISPATCHES_PER_SECOND,
    DEFAULT_TASK_TTL,
    DEFAULT_TOMBSTONE_TTL,
    SHORTEST_TASK_TTL,
    Kind,
    Queue,
    RateLimits,
    burst_for,
)
from tidegate.core.validation.retry import attempts_only, check_retry, filled_retry
from tidegate.core.validation.routing import check_http_target, check_uri_override

LONGEST_TASK_TTL: Final = timedelta(days=3650)  # Queue.task_ttl, v2beta3
SHORTEST_TOMBSTONE_TTL: Final = timedelta(hours=1)  # Queue.tombstone_ttl, v2beta3
LONGEST_TOMBSTONE_TTL: Final = timedelta(days=9)
PULL_CONCURRENCY: Final = -1  # what a pull queue shows: no limit


class Ceilings(Struct, frozen=True):
    """The highest limits a queue may have: the service's, unless the operator sets others."""

    max_dispatches_per_second: float = 500.0
    max_concurrent_dispatches: int = 5000
    max_burst_size: int = 500


def check_queue(sent: Queue, ceilings: Ceilings) -> None:
    """Check a queue as it was sent, before a mask is applied. ``names`` has read its name already."""
    if sent.kind is Kind.PULL:
        check_retry(attempts_only(sent.retry_config))  # a caller can set nothing else
    else:
        _check_rate_limits(sent.rate_limits, ceilings)
        check_retry(sent.retry_config)
    if not 0 <= sent.sampling_ratio <= 1:  # written like this because NaN fails every comparison
        raise InvalidArgument("sampling_ratio must be between 0.0 and 1.0.")
    if sent.task_ttl and not SHORTEST_TASK_TTL <= sent.task_ttl <= LONGEST_TASK_TTL:
        raise InvalidArgument("Queue.taskTtl must be between [10d, 3650d].")
    if sent.tombstone_ttl and not SHORTEST_TOMBSTONE_TTL <= sent.tombstone_ttl <= LONGEST_TOMBSTONE_TTL:
        raise InvalidArgument("Queue.tombstoneTtl must be between [1h, 9d].")
    if sent.http_target is not None:
        check_http_target(sent.http_target)


def _check_rate_limits(limits: RateLimits, ceilings: Ceilings) -> None:
    rate, most = limits.max_dispatches_per_second, ceilings.max_dispatches_per_second
    if rate < 0:
        raise InvalidArgument("RateLimits.maxDispatchesPerSecond cannot be negative.")
    if not rate <= most:  # also refuses NaN
        raise InvalidArgument(f"RateLimits.maxDispatchesPerSecond must be less than or equal to {most:.15g}.")
    if limits.max_burst_size > ceilings.max_burst_size:
        raise InvalidArgument(f"RateLimits.maxBurstSize must be less than or equal to {ceilings.max_burst_size}.")
    if limits.max_concurrent_dispatches < 0:
        raise InvalidArgument("RateLimits.maxConcurrentDispatches cannot be negative.")
    if limits.max_concurrent_dispatches > ceilings.max_concurrent_dispatches:
        raise InvalidArgument(
            f"RateLimits.maxConcurrentDispatches must be less than or equal to {ceilings.max_concurrent_dispatches}."
        )


def settle_queue(
    merged: Queue, ceilings: Ceilings, *, old: Queue | None = None, unnamed: Collection[str] = ()
) -> Queue:
    """The queue to be stored: defaults in place of what is unset, and checked for values that contradict each other.

    ``merged`` is the queue as sent, or an update laid over the ``old`` queue. ``unnamed`` are the fields of limits and
    retry settings that the update does not name: a 0 of the old queue stays 0 there. A burst of 0 or less follows the
    rate; so does the old burst when the rate changes and the update does not name the burst.
    """
    if old is not None and merged.kind is not old.kind:
        raise InvalidArgument("Queue.type cannot be changed.")
    kept = () if old is None else unnamed
    if merged.kind is Kind.PULL:
        limits, retry = pull_limits(), attempts_only(merged.retry_config)
    else:
        limits, retry = _filled_limits(merged.rate_limits, ceilings), merged.retry_config
        if old is not None and "max_burst_size" in kept and limits.max_dispatches_per_second != _rate(old):
            limits = _filled_limits(replace(limits, max_burst_size=0), ceilings)
    target, routing = merged.http_target, merged.app_engine_routing
    if target is not None and target.uri_override is not None:
        check_uri_override(target.uri_override)
    return replace(
        merged,
        rate_limits=limits,
        retry_config=filled_retry(retry, () if merged.kind is Kind.PULL else kept),
        app_engine_routing=None if routing is None else with_host(routing, merged.name.project),
        sampling_ratio=merged.sampling_ratio or 0.0,  # -0.0 is 0 too
        task_ttl=merged.task_ttl or DEFAULT_TASK_TTL,
        tombstone_ttl=merged.tombstone_ttl or DEFAULT_TOMBSTONE_TTL,
    )


def _rate(queue: Queue) -> float:
    return queue.rate_limits.max_dispatches_per_second


def _filled_limits(limits: RateLimits, ceilings: Ceilings) -> RateLimits:
    # A ceiling below a default lowers the default.
    rate = limits.max_dispatches_per_second or min(DEFAULT_DISPATCHES_PER_SECOND, ceilings.max_dispatches_per_second)
    concurrency = limits.max_concurrent_dispatches or min(
        DEFAULT_CONCURRENT_DISPATCHES, ceilings.max_concurrent_dispatches
    )
    burst = limits.max_burst_size if limits.max_burst_size > 0 else burst_for(rate)
    return RateLimits(rate, burst, concurrency)


def pull_limits() -> RateLimits:
    """The limits that a pull queue shows. Nobody can set them."""
    return RateLimits(max_concurrent_dispatches=PULL_CONCURRENCY)
