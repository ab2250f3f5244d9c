"""A queue and its settings.

``tidegate.schema.v2`` documents the fields; this module documents what differs.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from tidegate.schema.declare import DOUBLE, INT32, INT64, STRING, Enum, Message, field, module
from tidegate.schema.v2beta3.target import AppEngineHttpQueue, HttpTarget

__protobuf__ = module(
    "tidegate.v2beta3", "Queue", "RateLimits", "RetryConfig", "StackdriverLoggingConfig", "QueueStats"
)


class RateLimits(Message):
    """How fast a queue dispatches, first attempts and retries together. 0 stands for the default."""

    max_dispatches_per_second: float = field(DOUBLE, 1)
    max_burst_size: int = field(INT32, 2)
    """Size of the token bucket, at most 500; the server derives it from the rate when it is not given."""
    max_concurrent_dispatches: int = field(INT32, 3)


class RetryConfig(Message):
    """When a failed task is tried again, and when it is given up. 0 and unset stand for the default."""

    max_attempts: int = field(INT32, 1)
    max_retry_duration: timedelta = field(Duration, 2)
    min_backoff: timedelta = field(Duration, 3)
    max_backoff: timedelta = field(Duration, 4)
    max_doublings: int = field(INT32, 5)


class StackdriverLoggingConfig(Message):
    """How much of what a queue does is written to the operation log."""

    sampling_ratio: float = field(DOUBLE, 1)


class QueueStats(Message):
    """Statistics of a queue, all of them estimates. Returned only when ``read_mask`` asks for it."""

    tasks_count: int = field(INT64, 1)
    """Tasks that wait, are in flight or will be tried again."""
    oldest_estimated_arrival_time: datetime | None = field(Timestamp, 2)
    """The nearest time a task here is due; unset when there is none."""
    executed_last_minute_count: int = field(INT64, 3)
    """Attempts that ended during the last minute, well or not."""
    concurrent_dispatches_count: int = field(INT64, 4)
    """Attempts in flight."""
    effective_execution_rate: float = field(DOUBLE, 5)
    """Dispatches a second that the queue is allowed just now, throttling included."""


class Queue(Message):
    """Where tasks wait, with the settings by which they are dispatched."""

    class State(Enum):
        """Whether a queue dispatches."""

        STATE_UNSPECIFIED = 0
        RUNNING = 1
        PAUSED = 2
        DISABLED = 3

    class Type(Enum):
        """Who takes the first step: the server, or a worker that leases."""

        TYPE_UNSPECIFIED = 0
        """PUSH."""
        PULL = 1
        PUSH = 2

    name: str = field(STRING, 1)
    app_engine_http_queue: AppEngineHttpQueue = field(AppEngineHttpQueue, 3, oneof="queue_type")
    """Settings for App Engine tasks; HTTP tasks ignore them."""
    http_target: HttpTarget = field(HttpTarget, 13)
    rate_limits: RateLimits = field(RateLimits, 4)
    retry_config: RetryConfig = field(RetryConfig, 5)
    state: State = field(State, 6)
    purge_time: datetime | None = field(Timestamp, 7)
    task_ttl: timedelta = field(Duration, 8)
    """A task's longest life, finished or not: 10 days to 10 years, 31 days by default. Set when the queue is made."""
    tombstone_ttl: timedelta = field(Duration, 9)
    """How long a task's name stays taken after its end: an hour (the default) to 9 days. Set when the queue is made."""
    stackdriver_logging_config: StackdriverLoggingConfig = field(StackdriverLoggingConfig, 10)
    type_: Type = field(Type, 11)
    """Cannot change. In JSON and masks its name is ``type``."""
    stats: QueueStats = field(QueueStats, 12)
    """Set by the server; only when ``read_mask`` asks for it."""
