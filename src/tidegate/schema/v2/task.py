"""A task and its attempts."""

from __future__ import annotations

from datetime import datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.status_pb2 import Status

from tidegate.schema.declare import INT32, STRING, Enum, Message, field, module
from tidegate.schema.v2.queue import RetryConfig
from tidegate.schema.v2.target import AppEngineHttpRequest, HttpRequest

__protobuf__ = module("tidegate.v2", "Task", "Attempt")


class Attempt(Message):
    """One attempt. Everything here is set by the server, times to the microsecond."""

    schedule_time: datetime | None = field(Timestamp, 1)
    """When it was due."""
    dispatch_time: datetime | None = field(Timestamp, 2)
    """When it was sent."""
    response_time: datetime | None = field(Timestamp, 3)
    """When it ended; unset while it is in flight."""
    response_status: Status = field(Status, 4)
    """How it ended, the HTTP status as a code of google.rpc (0 is success); unset while it is in flight."""


class Task(Message):
    """A piece of work to be sent to its target until that succeeds or the retries are used up."""

    class View(Enum):
        """How much of a task an answer holds."""

        VIEW_UNSPECIFIED = 0
        """BASIC."""
        BASIC = 1
        """All but the body."""
        FULL = 2
        """Everything; needs the permission ``cloudtasks.tasks.fullView``."""

    name: str = field(STRING, 1)
    """``projects/P/locations/L/queues/Q/tasks/T``; T is 1 to 500 letters, digits, hyphens and underscores.

    Optional in CreateTask: the server makes one. A given name works once, also for some time after the task is gone.
    """
    app_engine_http_request: AppEngineHttpRequest = field(AppEngineHttpRequest, 2, oneof="message_type")
    http_request: HttpRequest = field(HttpRequest, 3, oneof="message_type")
    schedule_time: datetime | None = field(Timestamp, 4)
    """When the next attempt is due, to the microsecond; at most 720 hours ahead. Unset or past: now."""
    create_time: datetime | None = field(Timestamp, 5)
    """Whole seconds. Set by the server."""
    dispatch_deadline: timedelta = field(Duration, 6)
    """How long one attempt may take, in milliseconds: for HTTP 15 s to 30 min, 10 min by default.

    For App Engine up to 24 h 15 s; unset leaves it to the scaling of the service.
    """
    dispatch_count: int = field(INT32, 7)
    """Attempts sent, also those without any answer. Set by the server."""
    response_count: int = field(INT32, 8)
    """Attempts that got an answer other than 5xx. Set by the server."""
    first_attempt: Attempt = field(Attempt, 9)
    """Only its ``dispatch_time``. Set by the server."""
    last_attempt: Attempt = field(Attempt, 10)
    """Set by the server."""
    view: View = field(View, 11)
    """Which view this message is. Set by the server."""
    retry_config: RetryConfig = field(RetryConfig, 12)
    """Replaces the queue's as a whole; absent: the queue's."""
