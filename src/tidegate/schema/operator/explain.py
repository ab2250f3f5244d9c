"""Why a task does not run, or a queue does not dispatch."""

from __future__ import annotations

from collections.abc import MutableMapping, MutableSequence
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from tidegate.schema.declare import BOOL, STRING, Enum, Message, field, mapping, module, repeated

__protobuf__ = module(
    "tidegate.operator.v1",
    "Reason",
    "Explanation",
    "ExplainTaskRequest",
    "ExplainQueueRequest",
)


class Reason(Message):
    """One reason why a task does not run, or a fact about it."""

    class Code(Enum):
        """The reason, for programs."""

        CODE_UNSPECIFIED = 0
        QUEUE_PAUSED = 1
        QUEUE_DISABLED = 2
        NOT_YET_DUE = 3
        BACKING_OFF = 4
        RATE_LIMITED = 5
        THROTTLED = 6
        RAMPING_UP = 7
        CONCURRENCY_FULL = 8
        SERVER_FULL = 9
        OPENING_CONNECTIONS = 10
        DISK_FULL = 11
        DRAINING = 12
        IN_FLIGHT = 13
        LEASED = 14
        NO_LEASES_LEFT = 15
        FORBIDDEN_ADDRESS = 16
        UNSENDABLE = 17
        TOKEN_SOURCE_FAILS = 18
        NAME_NOT_FOUND = 19
        CONNECTION_REFUSED = 20
        TLS_FAILED = 21
        OWNED_BY_NOBODY = 22
        DIED = 23
        FINISHED_OR_DELETED = 24
        NEVER_EXISTED = 25
        DUE_NOW = 26

    code: Code = field(Code, 1)
    text: str = field(STRING, 2)
    since: datetime | None = field(Timestamp, 3)
    """Since when; unset when nobody knows."""
    until: datetime | None = field(Timestamp, 4)
    """Until when at the longest; unset when nobody knows."""
    details: MutableMapping[str, str] = mapping(STRING, STRING, 5)


class Explanation(Message):
    """The state of a task or a queue, and why."""

    class State(Enum):
        """Where a task is in its life; a queue has that of the task at its head."""

        STATE_UNSPECIFIED = 0
        SCHEDULED = 1
        DUE = 2
        IN_FLIGHT = 3
        LEASED = 4
        DEAD = 5
        """It was given up and is kept as a dead letter."""
        FINISHED_OR_DELETED = 6
        UNKNOWN = 7
        """There is no such task, and nothing is known of one."""

    name: str = field(STRING, 1)
    """The task or the queue."""
    state: State = field(State, 2)
    will_run_time: datetime | None = field(Timestamp, 3)
    """When the next attempt starts; unset when nobody knows."""
    reasons: MutableSequence[Reason] = repeated(Reason, 4)
    """The reasons, the one that decides first."""


class ExplainTaskRequest(Message):
    """A task."""

    name: str = field(STRING, 1)
    probe: bool = field(BOOL, 2)
    """Also resolve the target's host and connect to it. Nothing is sent."""


class ExplainQueueRequest(Message):
    """A queue."""

    name: str = field(STRING, 1)
