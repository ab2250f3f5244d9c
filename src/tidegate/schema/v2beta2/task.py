"""A task and its attempts.

``tidegate.schema.v2`` documents the fields; this module documents what differs.
"""

from __future__ import annotations

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.status_pb2 import Status

from tidegate.schema.declare import INT32, STRING, Enum, Message, field, module
from tidegate.schema.v2beta2.queue import RetryConfig
from tidegate.schema.v2beta2.target import AppEngineHttpRequest, HttpRequest, PullMessage

__protobuf__ = module("tidegate.v2beta2", "Task", "TaskStatus", "AttemptStatus")


class AttemptStatus(Message):
    """One attempt. Everything here is set by the server, times to the microsecond."""

    schedule_time: datetime | None = field(Timestamp, 1)
    dispatch_time: datetime | None = field(Timestamp, 2)
    response_time: datetime | None = field(Timestamp, 3)
    response_status: Status = field(Status, 4)


class TaskStatus(Message):
    """The attempts so far; other versions have these fields in the task. Everything here is set by the server."""

    attempt_dispatch_count: int = field(INT32, 1)
    """Attempts sent, also those without any answer; of a pull task: how often it was leased."""
    attempt_response_count: int = field(INT32, 2)
    """Attempts that got an answer other than 5xx. Not for pull tasks."""
    first_attempt_status: AttemptStatus = field(AttemptStatus, 3)
    """Only its ``dispatch_time``. Not for pull tasks."""
    last_attempt_status: AttemptStatus = field(AttemptStatus, 4)
    """Not for pull tasks."""


class Task(Message):
    """A piece of work to be sent to its target, or leased by a worker, until it is done or given up."""

    class View(Enum):
        """How much of a task an answer holds."""

        VIEW_UNSPECIFIED = 0
        BASIC = 1
        FULL = 2

    name: str = field(STRING, 1)
    app_engine_http_request: AppEngineHttpRequest = field(AppEngineHttpRequest, 3, oneof="payload_type")
    pull_message: PullMessage = field(PullMessage, 4, oneof="payload_type")
    """For a worker that leases the task; only in a pull queue."""
    http_request: HttpRequest = field(HttpRequest, 13, oneof="payload_type")
    schedule_time: datetime | None = field(Timestamp, 5)
    """When the next attempt is due, or the task can be leased (again). Its value also proves who holds a lease."""
    create_time: datetime | None = field(Timestamp, 6)
    status: TaskStatus = field(TaskStatus, 7)
    """Set by the server."""
    view: View = field(View, 8)
    retry_config: RetryConfig = field(RetryConfig, 14)
    """Published over REST only; numbered as in v2beta3."""
