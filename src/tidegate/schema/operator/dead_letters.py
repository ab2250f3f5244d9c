"""Dead tasks: tasks that were given up and are kept."""

from __future__ import annotations

from collections.abc import MutableSequence
from datetime import datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from tidegate.schema.declare import BOOL, INT32, INT64, STRING, Enum, Message, field, module, repeated
from tidegate.schema.operator.attempts import Attempt
from tidegate.schema.v2beta3.task import Task

__protobuf__ = module(
    "tidegate.operator.v1",
    "DeadTask",
    "ErrorGroup",
    "ListDeadTasksRequest",
    "ListDeadTasksResponse",
    "GetDeadTaskRequest",
    "DeleteDeadTaskRequest",
    "GroupDeadTasksRequest",
    "GroupDeadTasksResponse",
    "RedriveDeadTasksRequest",
    "PurgeDeadTasksRequest",
)


class DeadTask(Message):
    """A task that was given up, as it was at that time."""

    class Reason(Enum):
        """Why it was given up."""

        REASON_UNSPECIFIED = 0
        ATTEMPTS = 1
        """All attempts that the queue allows have failed."""
        RETRY_DURATION = 2
        TTL = 3
        """It reached the maximum age of a task."""
        LEASES = 4
        """A pull queue: it was leased as often as allowed."""
        DELETED_BY_OPERATOR = 5

    name: str = field(STRING, 1)
    """``projects/P/locations/L/queues/Q/deadTasks/ID``."""
    task: Task = field(Task, 2)
    """Whole, with its body."""
    death_time: datetime | None = field(Timestamp, 3)
    reason: Reason = field(Reason, 4)
    last_attempt: Attempt = field(Attempt, 5)
    expire_time: datetime | None = field(Timestamp, 6)
    """When it is deleted."""
    error_group: str = field(STRING, 7)
    """A short hash of outcome, status or error, and host; equal for tasks that failed for the same reason."""


class ErrorGroup(Message):
    """Dead tasks that failed for the same reason."""

    error_group: str = field(STRING, 1)
    text: str = field(STRING, 2)
    """``503 from mail.example.com``."""
    count: int = field(INT64, 3)
    first_time: datetime | None = field(Timestamp, 4)
    last_time: datetime | None = field(Timestamp, 5)
    sample: str = field(STRING, 6)
    """The name of one of them, the newest."""


class ListDeadTasksRequest(Message):
    """Lists the dead tasks of a queue, newest first."""

    parent: str = field(STRING, 1)
    filter: str = field(STRING, 2)
    page_size: int = field(INT32, 3)
    page_token: str = field(STRING, 4)


class ListDeadTasksResponse(Message):
    """A page of dead tasks."""

    dead_tasks: MutableSequence[DeadTask] = repeated(DeadTask, 1)
    next_page_token: str = field(STRING, 2)


class GetDeadTaskRequest(Message):
    """Reads one dead task."""

    name: str = field(STRING, 1)


class DeleteDeadTaskRequest(Message):
    """Deletes a dead task."""

    name: str = field(STRING, 1)


class GroupDeadTasksRequest(Message):
    """Groups the dead tasks of a queue by the reason of their failure."""

    parent: str = field(STRING, 1)
    filter: str = field(STRING, 2)


class GroupDeadTasksResponse(Message):
    """The groups, the largest first."""

    groups: MutableSequence[ErrorGroup] = repeated(ErrorGroup, 1)


class RedriveDeadTasksRequest(Message):
    """Moves dead tasks back into a queue. Without ``names`` and ``filter``: all of the queue.

    Needs ``cloudtasks.tasks.create`` on the target queue, besides the permission of the method.
    """

    parent: str = field(STRING, 1)
    names: MutableSequence[str] = repeated(STRING, 2)
    filter: str = field(STRING, 3)
    to_queue: str = field(STRING, 4)
    """The target queue; empty for the one they were in."""
    at: datetime | None = field(Timestamp, 5)
    """When the first is due; unset for now."""
    spread: timedelta = field(Duration, 6)
    """The time over which they become due, evenly."""
    keep_counts: bool = field(BOOL, 7)
    """Keep their counts of attempts, which otherwise begin at 0."""
    validate_only: bool = field(BOOL, 8)
    """Only count them."""


class PurgeDeadTasksRequest(Message):
    """Deletes the dead tasks that match the filter; without a filter, all of the queue."""

    parent: str = field(STRING, 1)
    filter: str = field(STRING, 2)
    validate_only: bool = field(BOOL, 3)
    """Only count them."""
