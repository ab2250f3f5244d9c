"""The server's clock. It can be moved only with ``dev``."""

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
    """The clock by which tasks become due, and the machine's clock."""

    name: str = field(STRING, 1)
    """``clock``."""
    now: datetime | None = field(Timestamp, 2)
    offset: timedelta = field(Duration, 3)
    """By how much it is ahead of the machine's clock."""
    frozen: bool = field(BOOL, 4)
    """Whether it is stopped."""
    real_time: datetime | None = field(Timestamp, 5)
    """The time of the machine's clock."""


class GetClockRequest(Message):
    """Reads the clock."""


class AdvanceClockRequest(Message):
    """Moves the clock forward, by 10 years at most."""

    duration: timedelta = field(Duration, 1, oneof="move")
    to_time: datetime = field(Timestamp, 2, oneof="move")
    to_next_due: bool = field(BOOL, 3, oneof="move")
    """To the moment when the next task of a dispatching queue is due."""


class FreezeClockRequest(Message):
    """Stops the clock until it is reset."""


class ResetClockRequest(Message):
    """Starts a stopped clock again. The clock does not go back."""


class RunUntilIdleRequest(Message):
    """Delivers all tasks, skipping the time between them."""

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
    """What is left when it ended early, as text."""
