"""Dead letters: tasks that were given up, why, and how they are made anew."""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum
from hashlib import sha256
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from tidegate.core.attempt_record import AttemptRecord
from tidegate.core.backoff import RetryLimit
from tidegate.core.names import QueueName
from tidegate.core.task import Attempt, Task

GROUP_DIGITS: Final = 12
"""Hexadecimal digits of an error group: 48 bits, so that thousands of groups do not collide."""


class DeathReason(IntEnum):
    """Why a task was given up; the numbers are the API's."""

    ATTEMPTS = 1
    RETRY_DURATION = 2
    TTL = 3
    LEASES = 4
    DELETED_BY_OPERATOR = 5


WORDS: Final = {
    DeathReason.TTL: "past its time to live",
    DeathReason.LEASES: "leased as often as it may be",
    DeathReason.DELETED_BY_OPERATOR: "deleted by an operator",
}


class ErrorGroup(Struct, frozen=True, array_like=True, gc=False):
    """What tasks that failed alike have in common: a short hash, and the text that it is made of."""

    id: str
    text: str


class DeadTask(Struct, frozen=True, kw_only=True, gc=False):
    """A task on the shelf of its queue. ``id`` is its place there, 0 until it has one; ``attempts`` are those that were
    kept, in their order. Its body may be left unread; ``size`` is how many bytes it takes on the shelf.
    """

    id: int = 0
    task: Task
    death_time: datetime
    reason: DeathReason
    expire_time: datetime
    error_group: ErrorGroup
    attempts: tuple[AttemptRecord, ...] = ()
    size: int = 0


def death_by(limit: RetryLimit) -> DeathReason:
    """Why a task is given up that has reached this limit of its retries. With both limits set it is the attempts that
    were used up: the time alone would have let it go on.
    """
    return DeathReason.RETRY_DURATION if limit is RetryLimit.MAX_RETRY_DURATION else DeathReason.ATTEMPTS


def error_group(last: Attempt | None, error: str, host: str, reason: DeathReason) -> ErrorGroup:
    """The group of a task by how its last attempt ended, and at which host. ``error`` is why no answer came."""
    if last is None:
        what = WORDS.get(reason, "given up")
    elif last.http_status:
        what = f"HTTP {last.http_status}"
    elif last.timed_out:
        what = "timed out"
    else:
        what = error or (last.status.code.name if last.status is not None else "no answer")
    text = f"{what} from {host}" if host and last is not None else what
    return ErrorGroup(sha256(text.encode("utf-8", "replace")).hexdigest()[:GROUP_DIGITS], text)


def revived(task: Task, queue: QueueName, now: datetime, at: datetime, *, keep_counts: bool) -> Task:
    """A dead task made anew in ``queue``, under its own ID: created ``now``, due ``at`` then, as if it had never been
    tried unless its counts are kept.
    """
    anew = replace(
        task, name=queue.task(task.name.task), schedule_time=at, create_time=now, dispatched_at=None, bulk=0, key=None
    )
    if keep_counts:
        return anew
    return replace(
        anew, dispatch_count=0, response_count=0, answer_count=0, first_dispatch_time=None, last_attempt=None
    )
