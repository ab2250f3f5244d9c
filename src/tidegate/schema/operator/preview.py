"""The effect of settings before they are changed."""

from __future__ import annotations

from collections.abc import MutableSequence
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration

from tidegate.schema.declare import INT32, INT64, STRING, Message, field, module, repeated
from tidegate.schema.v2beta3.queue import RateLimits, RetryConfig

__protobuf__ = module(
    "tidegate.operator.v1",
    "PreviewRetriesRequest",
    "PreviewRetriesResponse",
    "PreviewedAttempt",
)


class PreviewRetriesRequest(Message):
    """Settings to try for a queue. Settings that are unset are taken from the queue."""

    queue: str = field(STRING, 1)
    retry_config: RetryConfig = field(RetryConfig, 2)
    rate_limits: RateLimits = field(RateLimits, 3)
    backlog: int = field(INT64, 4)
    """So many tasks are due; 0 for as many as the queue has now."""


class PreviewedAttempt(Message):
    """An attempt of a task whose attempts all fail at once."""

    number: int = field(INT32, 1)
    at: timedelta = field(Duration, 2)
    """Time after the first attempt."""


class PreviewRetriesResponse(Message):
    """When the attempts of a task would be made, and how long the backlog would take."""

    attempts: MutableSequence[PreviewedAttempt] = repeated(PreviewedAttempt, 1)
    """At most the first 100."""
    gives_up_at: timedelta = field(Duration, 2)
    """When the task is given up, after its first attempt; unset when it never is."""
    drain_time: timedelta = field(Duration, 3)
    """How long it takes at least until all of the backlog has been started, by rate and burst; unset for a pull queue
    and where it takes longer than 10,000 years.
    """
    backlog: int = field(INT64, 4)
    """The backlog that was used."""
