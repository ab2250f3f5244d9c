"""A queue and its settings.

``tidegate.schema.v2`` documents the fields; this module documents what differs.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from tidegate.schema.declare import BOOL, DOUBLE, INT32, INT64, STRING, Enum, Message, field, module
from tidegate.schema.v2beta2.target import AppEngineHttpTarget, HttpTarget, PullTarget

__protobuf__ = module("tidegate.v2beta2", "Queue", "RateLimits", "RetryConfig", "QueueStats")


class RateLimits(Message):
    """How fast a push queue dispatches. For a pull queue all of it is set by the server."""

    max_tasks_dispatched_per_second: float = field(DOUBLE, 1)
    """Elsewhere called ``max_dispatches_per_second``."""
    max_burst_size: int = field(INT32, 2)
    """Size of the token bucket, at most 500; the server derives it from the rate when it is not given."""
    max_concurrent_tasks: int = field(INT32, 3)
    """Elsewhere called ``max_concurrent_dispatches``. -1 for a pull queue."""


class RetryConfig(Message):
    """When a failed task is tried again, and when it is given up. A pull queue has only the number of attempts."""

    max_attempts: int = field(INT32, 1, oneof="num_attempts")
    """Attempts in all, the first included; above 0. 100 by default."""
    unlimited_attempts: bool = field(BOOL, 2, oneof="num_attempts")
    """True: no limit, which elsewhere is ``max_attempts`` -1."""
    max_retry_duration: timedelta = field(Duration, 3)
    min_backoff: timedelta = field(Duration, 4)
    max_backoff: timedelta = field(Duration, 5)
    max_doublings: int = field(INT32, 6)


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
    """Where tasks wait: to be dispatched by the server (push) or to be leased by workers (pull)."""

    class State(Enum):
        """Whether a queue dispatches, and may be leased from."""

        STATE_UNSPECIFIED = 0
        RUNNING = 1
        PAUSED = 2
        DISABLED = 3

    name: str = field(STRING, 1)
    app_engine_http_target: AppEngineHttpTarget = field(AppEngineHttpTarget, 3, oneof="target_type")
    """A push queue, with its App Engine settings."""
    pull_target: PullTarget = field(PullTarget, 4, oneof="target_type")
    """A pull queue. A queue never changes from one kind to the other."""
    http_target: HttpTarget = field(HttpTarget, 17, oneof="target_type")
    """A push queue, with what it changes in HTTP tasks."""
    rate_limits: RateLimits = field(RateLimits, 5)
    retry_config: RetryConfig = field(RetryConfig, 6)
    state: State = field(State, 7)
    purge_time: datetime | None = field(Timestamp, 8)
    task_ttl: timedelta = field(Duration, 9)
    """How long a task may live, finished or not; 31 days by default."""
    tombstone_ttl: timedelta = field(Duration, 10)
    """How long a task's name stays taken after its end; an hour by default."""
    stats: QueueStats = field(QueueStats, 16)
    """Set by the server; only when ``read_mask`` asks for it."""
