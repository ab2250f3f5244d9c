"""The clock by which tasks go. Moving it is only possible with ``dev``."""

from __future__ import annotations

from collections.abc import MutableSequence
from datetime import datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from tidegate.schema.declare import BOOL, INT64, STRING, Message, field, module, repeated

__protobuf__ = module(
    "tidegate.operator.v1",
    "Clock",
    "GetClockRequest",
    "AdvanceClockRequest",
    "FreezeClockRequest",
    "ResetClockRequest",
    "RunUntilIdleRequest",
    "RunUntilIdleResponse",
)


class Clock(Message):
    """The time by which tasks go, beside the time of the machine."""

    name: str = field(STRING, 1)
    """``clock``."""
    now: datetime | None = field(Timestamp, 2)
    offset: timedelta = field(Duration, 3)
    """How far it is ahead of the machine's."""
    frozen: bool = field(BOOL, 4)
    """Whether it stands still."""
    real_time: datetime | None = field(Timestamp, 5)
    """The machine's."""


class GetClockRequest(Message):
    """The clock."""


class AdvanceClockRequest(Message):
    """A move forward, 10 years at most."""

    duration: timedelta = field(Duration, 1, oneof="move")
    to_time: datetime = field(Timestamp, 2, oneof="move")
    to_next_due: bool = field(BOOL, 3, oneof="move")
    """To the moment when the next task of a dispatching queue is due."""


class FreezeClockRequest(Message):
    """The clock is to stand still, until it is reset."""


class ResetClockRequest(Message):
    """A frozen clock is to go on. It does not go back."""


class RunUntilIdleRequest(Message):
    """Deliver everything, skipping the time in between."""

    parents: MutableSequence[str] = repeated(STRING, 1)
    """Queues or projects; empty for all."""
    max_virtual: timedelta = field(Duration, 2)
    """The most time to skip."""
    timeout: timedelta = field(Duration, 3)
    """How long to wait at most, by the machine's time; 60 s at most."""


class RunUntilIdleResponse(Message):
    """What was done."""

    idle: bool = field(BOOL, 1)
    """Whether no task is left."""
    advanced: timedelta = field(Duration, 2)
    attempts: int = field(INT64, 3)
    waiting_for: MutableSequence[str] = repeated(STRING, 4)
    """Why it ended before everything was done: what is left, in words."""
