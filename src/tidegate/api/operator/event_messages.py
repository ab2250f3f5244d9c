"""Events of the ring as messages, each with a text for people."""

from __future__ import annotations

from typing import Any, Final

from tidegate.api.times import put_moment, put_span
from tidegate.core.attempt_record import kind_of
from tidegate.core.dead_letters import DeathReason
from tidegate.core.lifecycle import response_status
from tidegate.core.masking import masked_url
from tidegate.core.time_text import rfc3339, seconds
from tidegate.core.times import MICROSECOND
from tidegate.observers.happenings import EndedAttempt, EventKind, GivenUp, Happening, StartedAttempt
from tidegate.schema.operator import Event
from tidegate.schema.rpc import raw

_EVENT: Final = raw(Event)

_TEXTS: Final = {
    EventKind.TASK_CREATED: "The task was created.",
    EventKind.TASK_DELETED: "The task was deleted.",
    EventKind.QUEUE_DELETED: "The queue was deleted with its tasks.",
    EventKind.RESET: "All queues were deleted with their tasks.",
    EventKind.GAP: "Events that happened before are no longer known.",
}

_DEATHS: Final = {
    DeathReason.ATTEMPTS: "after all the attempts that it may have",
    DeathReason.RETRY_DURATION: "after all the time that its retries may take",
    DeathReason.TTL: "past its time to live",
    DeathReason.LEASES: "leased as often as it may be",
    DeathReason.DELETED_BY_OPERATOR: "deleted by an operator",
}


def write_event(event: Happening, cursor: str) -> Any:
    """The message of an event, without headers or bodies."""
    message = _EVENT(cursor=cursor, kind=int(event.kind), queue=event.queue or "", text=_text(event))
    put_moment(message.time, event.time)
    detail = event.detail
    if isinstance(detail, StartedAttempt | EndedAttempt):
        message.task = detail.task
        _write_attempt(event, detail, message.attempt)
    elif isinstance(detail, GivenUp):
        message.task = detail.task
    elif event.kind in {EventKind.TASK_CREATED, EventKind.TASK_DELETED}:
        message.task = detail
    return message


def _write_attempt(event: Happening, detail: StartedAttempt | EndedAttempt, into: Any) -> None:
    into.name = f"{detail.task}/attempts/{detail.number}"
    into.number = detail.number
    put_moment(into.schedule_time, detail.schedule_time)
    started = event.time if isinstance(detail, StartedAttempt) else detail.start_time
    if started is not None:
        put_moment(into.start_time, started)
        put_span(into.timing.wait, max(started - detail.schedule_time, 0 * MICROSECOND))
    if isinstance(detail, StartedAttempt):
        return
    outcome = detail.outcome
    put_moment(into.end_time, event.time)
    put_span(into.timing.total, detail.took)
    into.outcome = int(kind_of(outcome))
    into.http_status = outcome.http_status
    if detail.url:
        into.request.url = masked_url(detail.url)
    status = response_status(outcome)
    into.rpc_status.code = status.code
    into.rpc_status.message = status.message
    if not outcome.answered:
        into.error = outcome.reason
    if detail.retry_time is not None:
        put_moment(into.retry_time, detail.retry_time)
    into.final = detail.counts and detail.retry_time is None


def _text(event: Happening) -> str:
    detail = event.detail
    if isinstance(detail, StartedAttempt):
        return f"Attempt {detail.number} started."
    if isinstance(detail, EndedAttempt):
        return _ended_text(detail)
    if isinstance(detail, GivenUp):
        where = "it is on the shelf of its queue" if detail.shelved else "it is gone"
        return f"The task was given up, {_DEATHS[detail.reason]}; {where}."
    return f"The queue was changed: {detail}." if event.kind is EventKind.QUEUE_CHANGED else _TEXTS[event.kind]


def _ended_text(detail: EndedAttempt) -> str:
    outcome = detail.outcome
    how = "succeeded" if outcome.succeeded else "timed out" if outcome.timed_out else "failed"
    why = str(outcome.http_status) if outcome.answered else outcome.reason
    text = f"Attempt {detail.number} {how}"
    text += f" with {why}" if outcome.answered else f": {why}" if why and not outcome.timed_out else ""
    text += f" after {seconds(detail.took)}"
    if not detail.counts:
        return f"{text}; it did not count, since the task is gone or a newer attempt was started."
    return f"{text}; the next is due at {rfc3339(detail.retry_time)}." if detail.retry_time is not None else f"{text}."
