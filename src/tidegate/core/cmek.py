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
    """Whether a location with this queue in it may have no key."""
    return has_overrides(queue) or queue.task_ttl > TASK_TTL_MAX


def has_overrides(queue: Queue) -> bool:
    """Whether the queue overrides headers, which a key would not cover."""
    return queue.http_target is not None and bool(queue.http_target.header_overrides)


def check_key(key: str, location: str, queues: Iterable[Queue]) -> None:
    """A key to be set for a location, by its ID, that has these queues. An empty key turns encryption off.

    Raises:
        FailedPrecondition: One of the queues bars it.
        InvalidArgument: It is no key's name.
        NotFound: It is a key of another location.
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
    """A queue, as it is to be stored, in a location that has a key. The text is ours."""
    if has_overrides(queue):
        raise FailedPrecondition("HttpTarget.header_overrides cannot be set in a location with CMEK enabled.")
