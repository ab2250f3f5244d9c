"""What an explanation says: a state, reasons with the decisive one first, and when the next attempt starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import IntEnum

from msgspec import Struct


class Code(IntEnum):
    """``Reason.Code`` of the operator's API; the numbers are the API's."""

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


class State(IntEnum):
    """``Explanation.State`` of the operator's API; the numbers are the API's."""

    SCHEDULED = 1
    DUE = 2
    IN_FLIGHT = 3
    LEASED = 4
    DEAD = 5
    FINISHED_OR_DELETED = 6
    UNKNOWN = 7


class Reason(Struct, frozen=True):
    """One thing that stands in the way, or is the case: ``text`` for people, ``details`` for programs.

    ``since`` and ``until`` are None where nobody knows.
    """

    code: Code
    text: str
    since: datetime | None = None
    until: datetime | None = None
    details: Mapping[str, str] = {}


class Explanation(Struct, frozen=True):
    """The state of a task or a queue and why, the decisive reason first.

    ``will_run_time`` is when the next attempt starts if attempts under way end in time and nothing changes; None where
    nobody knows.
    """

    state: State
    reasons: Sequence[Reason]
    will_run_time: datetime | None = None
