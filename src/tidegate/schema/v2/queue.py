"""A queue and its settings."""

from __future__ import annotations

from datetime import datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from tidegate.schema.declare import DOUBLE, INT32, STRING, Enum, Message, field, module
from tidegate.schema.v2.target import AppEngineRouting, HttpTarget

__protobuf__ = module("tidegate.v2", "Queue", "RateLimits", "RetryConfig", "StackdriverLoggingConfig")


class RateLimits(Message):
    """How fast a queue dispatches, first attempts and retries together. 0 stands for the default."""

    max_dispatches_per_second: float = field(DOUBLE, 1)
    """Tokens earned a second: up to 500, which is the default."""
    max_burst_size: int = field(INT32, 2)
    """Size of the token bucket. Set by the server from the rate; what a request says is ignored."""
    max_concurrent_dispatches: int = field(INT32, 3)
    """Attempts in flight at once: 1 to 5000, 1000 by default."""


class RetryConfig(Message):
    """When a failed task is tried again, and when it is given up. 0 and unset stand for the default."""

    max_attempts: int = field(INT32, 1)
    """Attempts in all, the first included; -1: no limit. 100 by default."""
    max_retry_duration: timedelta = field(Duration, 2)
    """From the first attempt, in whole seconds; unset: no limit. With ``max_attempts``, both must be used up."""
    min_backoff: timedelta = field(Duration, 3)
    """The wait after the first failure; 0.1 s by default."""
    max_backoff: timedelta = field(Duration, 4)
    """The longest wait, never below ``min_backoff``; an hour by default."""
    max_doublings: int = field(INT32, 5)
    """How often the wait doubles before it grows steadily; 16 by default."""


class StackdriverLoggingConfig(Message):
    """How much of what a queue does is written to the operation log."""

    sampling_ratio: float = field(DOUBLE, 1)
    """Share of the operations logged, 0.0 (none) to 1.0."""


class Queue(Message):
    """Where tasks wait, with the settings by which they are dispatched."""

    class State(Enum):
        """Whether a queue dispatches."""

        STATE_UNSPECIFIED = 0
        RUNNING = 1
        """Tasks are dispatched."""
        PAUSED = 2
        """Tasks are taken in and kept back until the queue is resumed."""
        DISABLED = 3
        """Left out of an uploaded queue.yaml: kept back like PAUSED, until the queue is resumed."""

    name: str = field(STRING, 1)
    """``projects/P/locations/L/queues/Q``; Q is 1 to 100 letters, digits and hyphens. Cannot change."""
    app_engine_routing_override: AppEngineRouting = field(AppEngineRouting, 2)
    """Where App Engine tasks go, in place of their own routing. HTTP tasks ignore it."""
    rate_limits: RateLimits = field(RateLimits, 3)
    """Filled in with the defaults when the queue is made."""
    retry_config: RetryConfig = field(RetryConfig, 4)
    """Filled in with the defaults when the queue is made; a task may bring its own."""
    state: State = field(State, 5)
    """Set by the server; changed by pausing, resuming and uploading a queue.yaml only."""
    purge_time: datetime | None = field(Timestamp, 6)
    """When the queue was last purged, to the microsecond; unset if never. Set by the server."""
    stackdriver_logging_config: StackdriverLoggingConfig = field(StackdriverLoggingConfig, 9)
    """The operation log; absent: nothing is logged."""
    http_target: HttpTarget = field(HttpTarget, 10)
    """What the queue changes in every HTTP task when it dispatches; absent: nothing."""
