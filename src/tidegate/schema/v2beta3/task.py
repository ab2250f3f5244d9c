"""A task and its attempts.

``tidegate.schema.v2`` documents the fields; this module documents what differs.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.status_pb2 import Status

from tidegate.schema.declare import INT32, STRING, Enum, Message, field, module
from tidegate.schema.v2beta3.queue import RetryConfig
from tidegate.schema.v2beta3.target import AppEngineHttpRequest, HttpRequest, PullMessage

__protobuf__ = module("tidegate.v2beta3", "Task", "Attempt")


class Attempt(Message):
    """One attempt. Everything here is set by the server, times to the microsecond."""

    schedule_time: datetime | None = field(Timestamp, 1)
    dispatch_time: datetime | None = field(Timestamp, 2)
    response_time: datetime | None = field(Timestamp, 3)
    response_status: Status = field(Status, 4)


class Task(Message):
    """A piece of work to be sent to its target until that succeeds or the retries are used up."""

    class View(Enum):
        """How much of a task an answer holds."""

        VIEW_UNSPECIFIED = 0
        BASIC = 1
        FULL = 2

    name: str = field(STRING, 1)
    app_engine_http_request: AppEngineHttpRequest = field(AppEngineHttpRequest, 3, oneof="payload_type")
    http_request: HttpRequest = field(HttpRequest, 11, oneof="payload_type")
    pull_message: PullMessage = field(PullMessage, 13, oneof="payload_type")
    """For a worker that leases the task; only in a pull queue."""
    schedule_time: datetime | None = field(Timestamp, 4)
    create_time: datetime | None = field(Timestamp, 5)
    dispatch_deadline: timedelta = field(Duration, 12)
    dispatch_count: int = field(INT32, 6)
    response_count: int = field(INT32, 7)
    first_attempt: Attempt = field(Attempt, 8)
    last_attempt: Attempt = field(Attempt, 9)
    view: View = field(View, 10)
    retry_config: RetryConfig = field(RetryConfig, 14)
