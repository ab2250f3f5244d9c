"""Calls for many tasks: search, delete, run, reschedule. Those that change tasks are long-running operations."""

from __future__ import annotations

from collections.abc import MutableSequence
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.status_pb2 import Status

from tidegate.schema.declare import BOOL, INT32, INT64, STRING, Enum, Message, field, module, repeated
from tidegate.schema.v2beta3.task import Task

__protobuf__ = module(
    "tidegate.operator.v1",
    "SearchTasksRequest",
    "SearchTasksResponse",
    "BulkDeleteTasksRequest",
    "BulkRunTasksRequest",
    "BulkRescheduleTasksRequest",
    "Failure",
    "BulkResult",
    "BulkMetadata",
)


class SearchTasksRequest(Message):
    """Lists the tasks of a queue that match a filter."""

    parent: str = field(STRING, 1)
    filter: str = field(STRING, 2)
    """In the language of ListQueues, over the fields of Task, and ``task_id``, ``url``, ``url_host``, ``last_status``
    (UNAVAILABLE …), ``last_http_status``, ``tag``. With ``task_id>="a" task_id<"b"`` only those between are looked at.
    """
    response_view: Task.View = field(Task.View, 3)
    page_size: int = field(INT32, 4)
    page_token: str = field(STRING, 5)
    order_by: str = field(STRING, 6)
    """``schedule_time``, the next ones first, or ``schedule_time desc``; empty or ``name``: by their IDs."""


class SearchTasksResponse(Message):
    """A page of tasks. It may have few or none and a token: a call looks at 20,000 tasks at most."""

    tasks: MutableSequence[Task] = repeated(Task, 1)
    next_page_token: str = field(STRING, 2)
    scanned: int = field(INT64, 3)
    """How many tasks were looked at for this page."""


class BulkDeleteTasksRequest(Message):
    """Deletes the named tasks, or those that match the filter. ``names`` or ``filter`` is required."""

    parent: str = field(STRING, 1)
    filter: str = field(STRING, 2)
    names: MutableSequence[str] = repeated(STRING, 3)
    validate_only: bool = field(BOOL, 4)
    """Only count them."""
    shelve: bool = field(BOOL, 6)
    """Put them on the queue's shelf, from which RedriveDeadTasks brings them back; their reason is
    DELETED_BY_OPERATOR. Without it, or where the queue keeps no dead letters, they are gone.
    """


class BulkRunTasksRequest(Message):
    """Runs the named tasks now, or those that match the filter. ``names`` or ``filter`` is required."""

    parent: str = field(STRING, 1)
    filter: str = field(STRING, 2)
    names: MutableSequence[str] = repeated(STRING, 3)
    validate_only: bool = field(BOOL, 4)
    """Only count them."""


class BulkRescheduleTasksRequest(Message):
    """Changes the schedule time of the named tasks, or of those that match. ``names`` or ``filter`` is required."""

    parent: str = field(STRING, 1)
    filter: str = field(STRING, 2)
    names: MutableSequence[str] = repeated(STRING, 3)
    validate_only: bool = field(BOOL, 4)
    """Only count them."""
    at: datetime | None = field(Timestamp, 5)
    """When they are due; unset for now."""


class Failure(Message):
    """A task for which the operation failed."""

    name: str = field(STRING, 1)
    status: Status = field(Status, 2)


class BulkResult(Message):
    """The result of a bulk operation."""

    matched: int = field(INT64, 1)
    changed: int = field(INT64, 2)
    failures: MutableSequence[Failure] = repeated(Failure, 3)
    """At most the first 100."""


class BulkMetadata(Message):
    """The progress of a bulk operation."""

    class State(Enum):
        """The state of the operation."""

        STATE_UNSPECIFIED = 0
        RUNNING = 1
        SUCCEEDED = 2
        FAILED = 3
        CANCELLED = 4
        PARTIALLY_SUCCEEDED = 5

    target: str = field(STRING, 1)
    """The queue."""
    verb: str = field(STRING, 2)
    """The method: ``BulkDeleteTasks``."""
    state: State = field(State, 3)
    start_time: datetime | None = field(Timestamp, 4)
    end_time: datetime | None = field(Timestamp, 5)
    matched: int = field(INT64, 6)
    changed: int = field(INT64, 7)
    failed: int = field(INT64, 8)
    progress_percent: int = field(INT32, 9)
