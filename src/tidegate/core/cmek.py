"""Customer-managed encryption keys: what may be set for a location."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from tidegate.core.errors import ErrorInfo, FailedPrecondition, InvalidArgument
from tidegate.core.queue import Queue
from tidegate.core.refusals import invalid, not_found

TASK_TTL_MAX: Final = timedelta(days=60)
"""The longest ``task_ttl`` of a queue in a location with a key."""

_KEY: Final = re.compile(
    r"projects/[^/]+/locations/(?P<location>[^/]+)/keyRings/[^/]+(?P<key>/cryptoKeys/[^/]+(?P<version>/cryptoKeyVersions/[^/]+)?)?"
)


def bars_key(queue: Queue) -> bool:
    """Whether a location that has this queue cannot be given a key."""
    return has_overrides(queue) or queue.task_ttl > TASK_TTL_MAX


def has_overrides(queue: Queue) -> bool:
    """Whether the queue overrides headers. A key does not cover those."""
    return queue.http_target is not None and bool(queue.http_target.header_overrides)


def check_key(key: str, location: str, queues: Iterable[Queue]) -> None:
    """Check a key before it is set for the location with this ID and these queues. An empty key turns encryption off.

    Raises:
        FailedPrecondition: One of the queues cannot be in a location with a key.
        InvalidArgument: The text is not the name of a key.
        NotFound: The key belongs to another location.
    """
    if not key:
        return
    if any(bars_key(queue) for queue in queues):
        raise FailedPrecondition(
            "CMEK cannot be enabled on any project that has one or more queues with HTTP Target Override headers or "
            "tasks ttl of more than 60 days.",
            ErrorInfo("UNSATISFIED_PRECONDITION_FOR_CMEK", "cloudtasks.googleapis.com"),
        )
    parts = _KEY.fullmatch(key)
    if parts is None:
        raise InvalidArgument(f"Resource name [{key}] does not match any known resource name pattern.")
    if parts["key"] is None or parts["version"] is not None:
        raise invalid()
    if parts["location"] != location:
        raise not_found()


def check_queue_under_key(queue: Queue) -> None:
    """Check a queue before it is stored in a location that has a key. The error text is ours."""
    if has_overrides(queue):
        raise FailedPrecondition("HttpTarget.header_overrides cannot be set in a location with CMEK enabled.")
