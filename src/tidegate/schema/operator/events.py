"""A stream of events, and waiting until no task is left."""

from __future__ import annotations

from collections.abc import MutableSequence
from datetime import datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from tidegate.schema.declare import BOOL, INT32, INT64, STRING, Enum, Message, field, module, repeated
from tidegate.schema.operator.attempts import Attempt

__protobuf__ = module(
    "tidegate.operator.v1",
    "Event",
    "WatchEventsRequest",
    "WaitIdleRequest",
    "WaitIdleResponse",
)


class Event(Message):
    """Something that happened. An event without a kind only shows that the stream is alive."""

    class Kind(Enum):
        """What happened."""

        KIND_UNSPECIFIED = 0
        TASK_CREATED = 1
        TASK_DELETED = 2
        ATTEMPT_STARTED = 3
        ATTEMPT_ENDED = 4
        TASK_DIED = 5
        QUEUE_CHANGED = 6
        QUEUE_DELETED = 7
        RESET = 8
        GAP = 9
        """Events are missing here."""

    cursor: str = field(STRING, 1)
    """Pass it to WatchEvents to continue after this event."""
    time: datetime | None = field(Timestamp, 2)
    kind: Kind = field(Kind, 3)
    queue: str = field(STRING, 4)
    """The full name of the queue."""
    task: str = field(STRING, 5)
    """The full name of the task."""
    attempt: Attempt = field(Attempt, 6)
    """Without headers and bodies unless the caller may see them."""
    text: str = field(STRING, 7)


class WatchEventsRequest(Message):
    """Streams the events of a location, a project or (``-``) of the whole server."""

    parent: str = field(STRING, 1)
    filter: str = field(STRING, 2)
    """In the language of ListQueues, over the fields of Event."""
    cursor: str = field(STRING, 3)
    """Continue after this event; over REST the header ``Last-Event-ID`` does the same."""
    kinds: MutableSequence[Event.Kind] = repeated(Event.Kind, 4)
    """Only these; empty for all. A GAP is always sent."""
    replay_last: int = field(INT32, 5)
    """Without a cursor: begin with so many that happened before."""


class WaitIdleRequest(Message):
    """Waits until no task is left in a queue, or in the dispatching queues of a project."""

    parent: str = field(STRING, 1)
    timeout: timedelta = field(Duration, 2)
    """How long at most: 60 s at most."""


class WaitIdleResponse(Message):
    """Whether no task is left."""

    idle: bool = field(BOOL, 1)
    tasks: int = field(INT64, 2)
    """How many are left, counted to 10,000."""
