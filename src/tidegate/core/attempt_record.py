"""What is kept of an attempt once it has ended: how it ended, what was sent and what came back, how long it took."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final

from msgspec import Struct

from tidegate.core.errors import Code
from tidegate.core.lifecycle import Gone, Judgement, Outcome, Retry, response_status
from tidegate.core.masking import Headers
from tidegate.core.queue_options import Keep
from tidegate.core.task import Attempt, Status, Task

HEADERS_KEPT: Final = 64
"""Headers that are kept of a request, and of a response. Handlers and tasks have a dozen; a task may have thousands."""
HEADERS_SIZE_KEPT: Final = 4096
"""Characters of their names and values."""
URL_KEPT: Final = 2083
"""Characters of a URL that are kept: the longest that a task may have."""
BODY_KEPT: Final = 1024
"""Bytes that are kept of a response's body."""
REDIRECTS_KEPT: Final = 10
ATTEMPTS_SIZE_MAX: Final = 64 * 2**20
"""Bytes that the kept attempts of a queue may take, as much as its shelf by default; the oldest go first."""


class AttemptOutcome(IntEnum):
    """How an attempt ended; the numbers are the API's."""

    SUCCEEDED = 1
    FAILED = 2  # answered, but not with a 2xx
    TIMED_OUT = 3
    NO_ANSWER = 4
    FORBIDDEN = 5
    UNSENDABLE = 6  # nothing was sent: a request that cannot be made, a token that cannot be had
    CUT_OFF = 7  # by the end of the process
    UNKNOWN = 8  # the process ended under it


class SentReason(IntEnum):
    """Why an attempt was sent; the numbers are the API's."""

    SCHEDULED = 1
    RETRY = 2
    FORCED = 3


class SentRequest(Struct, frozen=True, array_like=True, gc=False):
    """What was sent, without its body; secrets are masked."""

    method: str = ""
    url: str = ""
    headers: Headers = ()
    body_bytes: int = 0


class KeptResponse(Struct, frozen=True, array_like=True, gc=False):
    """What came back: headers with secrets masked, and the first bytes of the body."""

    headers: Headers = ()
    body_start: bytes = b""
    body_bytes: int = 0


class Timing(Struct, frozen=True, array_like=True, gc=False):
    """How long the parts of an attempt took, in microseconds. ``wait`` is from its schedule time to its start,
    ``first_byte`` from the sent request to the first byte of the answer, ``total`` from its start to its end.
    """

    wait: int = 0
    resolve: int = 0
    connect: int = 0
    tls: int = 0
    first_byte: int = 0
    total: int = 0


class Exchange(Struct, frozen=True, array_like=True, gc=False):
    """What was seen of an attempt on its way, besides its outcome."""

    request: SentRequest = SentRequest()
    response: KeptResponse = KeptResponse()
    timing: Timing = Timing()
    peer_address: str = ""
    reused_connection: bool = False
    redirects: tuple[str, ...] = ()
    node: str = ""
    fault: str = ""


class AttemptRecord(Struct, frozen=True, array_like=True, gc=False):
    """An attempt that has ended. ``number`` counts the attempts of its task from 1; ``final`` says that the task is
    gone with it.
    """

    number: int
    sent_because: SentReason
    schedule_time: datetime
    start_time: datetime
    end_time: datetime
    outcome: AttemptOutcome
    http_status: int = 0
    status: Status | None = None
    error: str = ""
    retry_time: datetime | None = None
    final: bool = False
    exchange: Exchange = Exchange()


# To look up a member of an enum takes longer than all else that is asked of an attempt that succeeded.
_ALL: Final = Keep.ALL
_FAILED_ONLY: Final = Keep.FAILED
_SUCCEEDED: Final = AttemptOutcome.SUCCEEDED
_SCHEDULED: Final = SentReason.SCHEDULED


def is_kept(outcome: Outcome, keep: Keep) -> bool:
    """Whether an attempt that ended so is kept."""
    return keep is _ALL or (keep is _FAILED_ONLY and not outcome.succeeded)


def kind_of(outcome: Outcome) -> AttemptOutcome:
    """How an attempt ended, in one word."""
    if outcome.succeeded:
        return _SUCCEEDED
    if outcome.forbidden:
        return AttemptOutcome.FORBIDDEN
    if outcome.timed_out:
        return AttemptOutcome.TIMED_OUT
    if outcome.answered:
        return AttemptOutcome.FAILED
    return AttemptOutcome.UNSENDABLE if outcome.unsendable else AttemptOutcome.NO_ANSWER


def kind_of_attempt(attempt: Attempt) -> AttemptOutcome:
    """The same of what a task itself says of an attempt, which is less."""
    if attempt.http_status:
        return AttemptOutcome.SUCCEEDED if 200 <= attempt.http_status <= 299 else AttemptOutcome.FAILED
    if attempt.timed_out:
        return AttemptOutcome.TIMED_OUT
    refused = attempt.status is not None and attempt.status.code is Code.PERMISSION_DENIED
    return AttemptOutcome.FORBIDDEN if refused else AttemptOutcome.NO_ANSWER


def attempt_record(
    task: Task, outcome: Outcome, judgement: Judgement | None, at: datetime, exchange: Exchange, *, forced: bool
) -> AttemptRecord:
    """The record of an attempt that ended ``at`` then. ``task`` is as it was while the attempt was under way;
    ``judgement`` is None when the outcome does not count.
    """
    number = task.dispatch_count
    return AttemptRecord(
        number,
        SentReason.FORCED if forced else SentReason.RETRY if number > 1 else _SCHEDULED,
        task.schedule_time,
        task.dispatched_at or at,
        at,
        kind_of(outcome),
        outcome.http_status,
        response_status(outcome),
        outcome.reason,
        judgement.task.schedule_time if type(judgement) is Retry else None,
        type(judgement) is Gone,
        exchange,
    )


def lost_attempt(task: Task, now: datetime) -> AttemptRecord:
    """The record of an attempt whose process ended under it, as it was found out ``now``: whether its handler was
    called, and what it said, is not known; its task is due at once. ``task`` is as it was while it was under way.
    """
    return AttemptRecord(
        number=task.dispatch_count,
        sent_because=SentReason.RETRY if task.dispatch_count > 1 else SentReason.SCHEDULED,
        schedule_time=task.schedule_time,
        start_time=task.dispatched_at or now,
        end_time=now,
        outcome=AttemptOutcome.UNKNOWN,
        error="the process that made the attempt ended before the attempt did",
        retry_time=min(task.schedule_time, now),
    )


def micros_of(seconds: float) -> int:
    """Microseconds, for ``Timing``."""
    return int(seconds * 1_000_000 + 0.5)


def span(micros: int) -> timedelta:
    """A part of a ``Timing`` as a span."""
    return timedelta(microseconds=micros)
