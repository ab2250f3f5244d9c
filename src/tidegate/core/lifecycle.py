"""What becomes of a task: its states, and the judgement of an attempt's outcome."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from tidegate.core.backoff import RetryLimit, limit_reached, retry_wait
from tidegate.core.errors import Code
from tidegate.core.queue import Queue
from tidegate.core.task import Attempt, Status, Task
from tidegate.core.times import later

CODES = {
    400: Code.INVALID_ARGUMENT,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.NOT_FOUND,
    409: Code.ABORTED,
    429: Code.RESOURCE_EXHAUSTED,
    499: Code.CANCELLED,
    501: Code.UNIMPLEMENTED,
    503: Code.UNAVAILABLE,
    504: Code.DEADLINE_EXCEEDED,
}
MAY_ASK_FOR_ROOM = frozenset({429, 503})  # only the Retry-After of these answers counts


class Outcome(Struct, frozen=True, cache_hash=True, gc=False):
    """How an attempt ended, as the sender saw it.

    ``http_status`` is the handler's answer, 0 when none came; ``timed_out`` says the dispatch deadline passed;
    ``forbidden`` that the operator's egress rules allow no such call; ``unsendable`` that there was nothing to send;
    ``reason`` is a short text for the operation log, without a URL, header or body; ``retry_after`` is the wait a 429
    or 503 asked for.
    """

    http_status: int = 0
    timed_out: bool = False
    forbidden: bool = False
    reason: str = ""
    retry_after: timedelta | None = None
    unsendable: bool = False

    @property
    def answered(self) -> bool:
        return self.http_status > 0

    @property
    def succeeded(self) -> bool:
        return 200 <= self.http_status <= 299


def code_of(http_status: int) -> Code:
    """The canonical code of an HTTP answer, as the service was seen to map it."""
    known = CODES.get(http_status)
    if known is not None:
        return known
    if 200 <= http_status <= 299:
        return Code.OK
    if 400 <= http_status <= 499:
        return Code.FAILED_PRECONDITION
    if 500 <= http_status <= 599:
        return Code.INTERNAL
    return Code.UNKNOWN


@lru_cache(maxsize=256)
def response_status(outcome: Outcome) -> Status:
    """``Attempt.response_status`` of an ended attempt. Remembered, for most outcomes are alike."""
    if outcome.forbidden:
        return Status(Code.PERMISSION_DENIED, f"PERMISSION_DENIED(7): {outcome.reason}")
    http_status = 504 if outcome.timed_out else outcome.http_status
    code = code_of(http_status)
    return Status(code, f"{code.name}({code.value}): HTTP status code {http_status}")


class Retry(Struct, frozen=True):
    """The task stays, as it is here, and is due again at its ``schedule_time``."""

    task: Task


class Gone(Struct, frozen=True):
    """The task is no more: delivered, or given up because it reached ``limit``, which is None for a delivered one."""

    limit: RetryLimit | None = None


DELIVERED: Final = Gone()

Judgement: TypeAlias = Retry | Gone


def judge(task: Task, queue: Queue, outcome: Outcome, now: datetime) -> Judgement:
    """What becomes of a task whose attempt ended at ``now``.

    ``task`` is as it was while the attempt was under way: ``dispatched_at`` set, ``dispatch_count`` already raised.
    """
    if outcome.succeeded:
        return DELIVERED
    started = task.dispatched_at or now
    retry = task.retry_config or queue.retry_config
    limit = limit_reached(task.dispatch_count, now - (task.first_dispatch_time or started), retry)
    if limit is not None:
        return Gone(limit)
    asked = outcome.retry_after if outcome.http_status in MAY_ASK_FOR_ROOM else None
    wait = retry_wait(task.dispatch_count, retry, asked)
    return Retry(tried(task, outcome, now, later(now, wait)))


def tried(task: Task, outcome: Outcome, now: datetime, due: datetime) -> Task:
    """A task whose attempt ended at ``now`` as it waits for the next one, which is ``due`` then."""
    started = task.dispatched_at or now
    return replace(
        task,
        schedule_time=due,
        response_count=task.response_count + (outcome.answered and outcome.http_status // 100 != 5),
        answer_count=task.answer_count + outcome.answered,
        dispatched_at=None,
        last_attempt=Attempt(task.schedule_time, started, now, response_status(outcome), outcome.http_status),
    )
