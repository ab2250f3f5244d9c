"""Stored attempts: the request, the response, and the time of each step."""

from __future__ import annotations

from collections.abc import MutableSequence
from datetime import datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.status_pb2 import Status

from tidegate.schema.declare import BOOL, BYTES, INT32, INT64, STRING, Enum, Message, field, module, repeated

__protobuf__ = module(
    "tidegate.operator.v1",
    "Header",
    "SentRequest",
    "ReceivedResponse",
    "Timing",
    "Attempt",
    "ListAttemptsRequest",
    "ListAttemptsResponse",
    "GetAttemptRequest",
)


class Header(Message):
    """A header. The values of secret ones are ``***``."""

    name: str = field(STRING, 1)
    value: str = field(STRING, 2)


class SentRequest(Message):
    """The request of an attempt, without its body."""

    method: str = field(STRING, 1)
    url: str = field(STRING, 2)
    headers: MutableSequence[Header] = repeated(Header, 3)
    body_bytes: int = field(INT64, 4)


class ReceivedResponse(Message):
    """The response to an attempt."""

    headers: MutableSequence[Header] = repeated(Header, 1)
    body_start: bytes = field(BYTES, 2)
    """The first bytes of the body, at most 1,024."""
    body_bytes: int = field(INT64, 3)
    """Bytes of the whole body, as far as it was read."""


class Timing(Message):
    """How long each step took. A step that did not happen is unset."""

    wait: timedelta = field(Duration, 1)
    """From the moment the attempt was due to its start."""
    resolve: timedelta = field(Duration, 2)
    connect: timedelta = field(Duration, 3)
    tls: timedelta = field(Duration, 4)
    first_byte: timedelta = field(Duration, 5)
    """From the sent request to the first byte of the response."""
    total: timedelta = field(Duration, 6)
    """From the start of the attempt to its end."""


class Attempt(Message):
    """One attempt to deliver a task."""

    class Reason(Enum):
        """Why the attempt was made."""

        REASON_UNSPECIFIED = 0
        SCHEDULED = 1
        RETRY = 2
        FORCED = 3
        """RunTask asked for it."""

    class Outcome(Enum):
        """How the attempt ended."""

        OUTCOME_UNSPECIFIED = 0
        SUCCEEDED = 1
        FAILED = 2
        """The answer had a status that is not 2xx."""
        TIMED_OUT = 3
        NO_ANSWER = 4
        """The connection was not made, or broke."""
        FORBIDDEN = 5
        """The server may not call this address."""
        UNSENDABLE = 6
        """The task cannot be sent as an HTTP request."""
        CUT_OFF = 7
        """The server was stopped during the attempt."""
        UNKNOWN = 8
        """The server ended before it had recorded the outcome."""

    name: str = field(STRING, 1)
    """``projects/P/locations/L/queues/Q/tasks/T/attempts/N``."""
    number: int = field(INT32, 2)
    """1 for the first attempt of the task."""
    reason_sent: Reason = field(Reason, 3)
    schedule_time: datetime | None = field(Timestamp, 4)
    start_time: datetime | None = field(Timestamp, 5)
    end_time: datetime | None = field(Timestamp, 6)
    outcome: Outcome = field(Outcome, 7)
    http_status: int = field(INT32, 8)
    """0 without an answer."""
    rpc_status: Status = field(Status, 9)
    """As the task's ``last_attempt`` shows it."""
    error: str = field(STRING, 10)
    """The error as text; empty when a response came."""
    retry_time: datetime | None = field(Timestamp, 11)
    """When the next attempt is due; unset when there is none."""
    final: bool = field(BOOL, 12)
    """Whether this was the last attempt."""
    request: SentRequest = field(SentRequest, 13)
    response: ReceivedResponse = field(ReceivedResponse, 14)
    timing: Timing = field(Timing, 15)
    peer_address: str = field(STRING, 16)
    """``127.0.0.1:8080``."""
    reused_connection: bool = field(BOOL, 17)
    redirects: MutableSequence[str] = repeated(STRING, 18)
    """The URLs that redirects led to, in order."""
    node: str = field(STRING, 19)
    fault: str = field(STRING, 20)
    """The name of the injected fault that applied."""


class ListAttemptsRequest(Message):
    """Lists the stored attempts of a task or of a queue, newest first."""

    parent: str = field(STRING, 1)
    filter: str = field(STRING, 2)
    page_size: int = field(INT32, 3)
    page_token: str = field(STRING, 4)


class ListAttemptsResponse(Message):
    """A page of attempts."""

    attempts: MutableSequence[Attempt] = repeated(Attempt, 1)
    next_page_token: str = field(STRING, 2)


class GetAttemptRequest(Message):
    """Reads one attempt."""

    name: str = field(STRING, 1)
