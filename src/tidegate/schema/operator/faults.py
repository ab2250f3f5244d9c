"""Injected faults: what happens to attempts instead of, or before, the call of their target. Only with ``dev``."""

from __future__ import annotations

from collections.abc import MutableSequence
from datetime import datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from tidegate.schema.declare import DOUBLE, INT32, INT64, STRING, Message, field, module, repeated

__protobuf__ = module(
    "tidegate.operator.v1",
    "FaultMatch",
    "Delay",
    "StatusAnswer",
    "NoAnswer",
    "Hang",
    "DropResponse",
    "Duplicate",
    "Refuse",
    "Fault",
    "CreateFaultRequest",
    "ListFaultsRequest",
    "ListFaultsResponse",
    "GetFaultRequest",
    "DeleteFaultRequest",
    "ClearFaultsRequest",
    "ClearFaultsResponse",
)


class FaultMatch(Message):
    """To which attempts a fault applies: those that match all fields that are set."""

    task_prefix: str = field(STRING, 1)
    """The beginning of the task's ID."""
    url_regex: str = field(STRING, 2)
    """A regular expression, searched anywhere in the URL."""
    attempt_from: int = field(INT32, 3)
    """The lowest number of an attempt; 0 for any."""
    attempt_to: int = field(INT32, 4)
    """The highest number of an attempt; 0 for any."""


class Delay(Message):
    """The request is sent later."""

    duration: timedelta = field(Duration, 1)


class StatusAnswer(Message):
    """Nothing is sent; the attempt gets this status."""

    code: int = field(INT32, 1)
    retry_after: timedelta = field(Duration, 2)


class NoAnswer(Message):
    """Nothing is sent; the attempt ends as if the connection had broken."""


class Hang(Message):
    """Nothing is sent; the attempt ends at its deadline."""


class DropResponse(Message):
    """The request is sent and answered; the attempt ends as if the answer had been lost."""


class Duplicate(Message):
    """The request is sent several times; the first answer counts."""

    times: int = field(INT32, 1)
    """How often altogether; 0 stands for 2."""
    spacing: timedelta = field(Duration, 2)
    """Between one and the next."""


class Refuse(Message):
    """Nothing is sent; the attempt ends as if nobody listened at the address."""


class Fault(Message):
    """An injected fault: what happens to matching attempts of a queue."""

    name: str = field(STRING, 1)
    """``projects/P/locations/L/queues/Q/faults/F``."""
    match: FaultMatch = field(FaultMatch, 2)
    probability: float = field(DOUBLE, 3, optional=True)
    """The share of matching attempts to which it applies: 0 to 1; unset is 1."""
    remaining: int = field(INT64, 4, optional=True)
    """To how many more attempts it applies; unset for any number."""
    expire_time: datetime | None = field(Timestamp, 5)
    delay: Delay = field(Delay, 6, oneof="effect")
    status: StatusAnswer = field(StatusAnswer, 7, oneof="effect")
    no_answer: NoAnswer = field(NoAnswer, 8, oneof="effect")
    hang: Hang = field(Hang, 9, oneof="effect")
    drop_response: DropResponse = field(DropResponse, 10, oneof="effect")
    duplicate: Duplicate = field(Duplicate, 11, oneof="effect")
    refuse: Refuse = field(Refuse, 12, oneof="effect")
    hit_count: int = field(INT64, 13)
    """To how many attempts it has applied. Set by the server."""


class CreateFaultRequest(Message):
    """Creates a fault."""

    parent: str = field(STRING, 1)
    fault: Fault = field(Fault, 2)
    fault_id: str = field(STRING, 3)
    """The last part of its name; empty for a generated one."""


class ListFaultsRequest(Message):
    """Lists the faults of a queue."""

    parent: str = field(STRING, 1)
    page_size: int = field(INT32, 2)
    page_token: str = field(STRING, 3)


class ListFaultsResponse(Message):
    """A page of faults, by name."""

    faults: MutableSequence[Fault] = repeated(Fault, 1)
    next_page_token: str = field(STRING, 2)


class GetFaultRequest(Message):
    """Reads one fault."""

    name: str = field(STRING, 1)


class DeleteFaultRequest(Message):
    """Deletes a fault."""

    name: str = field(STRING, 1)


class ClearFaultsRequest(Message):
    """Deletes all faults of a location."""

    parent: str = field(STRING, 1)


class ClearFaultsResponse(Message):
    """How many faults were deleted."""

    cleared: int = field(INT32, 1)
