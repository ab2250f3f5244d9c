"""The status of queues: counts of tasks, rates and limits."""

from __future__ import annotations

from collections.abc import MutableSequence
from datetime import datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from tidegate.schema.declare import DOUBLE, INT32, INT64, STRING, Message, field, module, repeated
from tidegate.schema.operator.explain import Reason
from tidegate.schema.v2beta3.queue import Queue

__protobuf__ = module(
    "tidegate.operator.v1",
    "Rates",
    "QueueStatus",
    "GetQueueStatusRequest",
    "ListQueueStatusesRequest",
    "ListQueueStatusesResponse",
)


class Rates(Message):
    """How often something happened during the last minute."""

    created: float = field(DOUBLE, 1)
    succeeded: float = field(DOUBLE, 2)
    """Attempts that succeeded."""
    failed: float = field(DOUBLE, 3)
    """Attempts that did not."""


class QueueStatus(Message):
    """The status of a queue. Counts of tasks stop at 10,000, which then means 10,000 or more."""

    name: str = field(STRING, 1)
    """``projects/P/locations/L/queues/Q/status``."""
    state: Queue.State = field(Queue.State, 2)
    type_: Queue.Type = field(Queue.Type, 3)
    depth: int = field(INT64, 4)
    """All tasks. This count does not stop at 10,000."""
    due: int = field(INT64, 5)
    """Tasks that wait only for the queue."""
    scheduled: int = field(INT64, 6)
    """Tasks that are not due yet."""
    in_flight: int = field(INT64, 7)
    """Attempts under way. This count does not stop at 10,000."""
    leased: int = field(INT64, 8)
    """Tasks of a pull queue that a worker holds."""
    next_due_time: datetime | None = field(Timestamp, 9)
    """When the next task is due, or was; unset when none waits."""
    oldest_due_age: timedelta = field(Duration, 10)
    """How long the task at the head has been due; unset when none is."""
    dead: int = field(INT64, 11)
    """Dead letters."""
    rates: Rates = field(Rates, 12)
    tokens: float = field(DOUBLE, 13)
    """Dispatches that may start at once."""
    tokens_full_time: datetime | None = field(Timestamp, 14)
    """When the bucket is full again; unset when it is."""
    throttle_factor: float = field(DOUBLE, 15)
    """The part of the queue's rate that is allowed: 1 without throttling."""
    ramp_limit: float = field(DOUBLE, 16)
    """Dispatches a second while the queue ramps up; 0 when it does not."""
    blocked_by: Reason = field(Reason, 17)
    """Why the queue dispatches nothing now; unset when it may dispatch."""


class GetQueueStatusRequest(Message):
    """Reads the status of one queue."""

    name: str = field(STRING, 1)


class ListQueueStatusesRequest(Message):
    """Lists the status of the queues of a location."""

    parent: str = field(STRING, 1)
    """``projects/P/locations/L``; ``projects/-/locations/-`` stands for all locations of all projects."""
    filter: str = field(STRING, 2)
    """In the language of ListQueues, over the fields of QueueStatus: ``due>100``, ``state=PAUSED``."""
    order_by: str = field(STRING, 3)
    """Fields, each perhaps with ``desc``: ``due desc, name``. By name unless said."""
    page_size: int = field(INT32, 4)
    page_token: str = field(STRING, 5)


class ListQueueStatusesResponse(Message):
    """A page of queues."""

    statuses: MutableSequence[QueueStatus] = repeated(QueueStatus, 1)
    next_page_token: str = field(STRING, 2)
