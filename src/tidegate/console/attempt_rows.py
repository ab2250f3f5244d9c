"""Attempts as rows of a table, with the time that each step took."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct

from tidegate.console import bodies, words
from tidegate.console.snapshot import moment
from tidegate.core.names import TASK, TaskName
from tidegate.schema.operator.attempts import Attempt

Outcome = Attempt.Outcome
LINE: Final = 100.0  # the width of the picture of the steps

_OUTCOMES: Final = {
    Outcome.SUCCEEDED: "delivered",
    Outcome.FAILED: "failed",
    Outcome.TIMED_OUT: "timeout",
    Outcome.NO_ANSWER: words.NO_ANSWER,
    Outcome.FORBIDDEN: "forbidden",
    Outcome.UNSENDABLE: "unsendable",
    Outcome.CUT_OFF: "cut off",
    Outcome.UNKNOWN: "unknown",
}
_STEPS: Final = (("wait", "Line"), ("resolve", "DNS"), ("connect", "Connect"), ("tls", "TLS"), ("first_byte", "Wait"))


class Step(Struct, frozen=True):
    """A part of an attempt's time: its name, how long, and where it lies on a line from 0 to 100."""

    label: str
    took: timedelta
    start: float
    width: float


class AttemptRow(Struct, frozen=True):
    """An attempt. ``result`` is its status or outcome in one word, ``said`` the rest of it."""

    name: str
    task: TaskName
    number: int
    reason: str
    started: datetime | None
    took: timedelta | None
    good: bool
    result: str
    said: str
    followed: str
    steps: list[Step]
    sent: Any
    head: str
    body: str
    body_bytes: int
    peer: str
    reused: bool
    redirects: list[str]
    node: str
    fault: str


def attempt_row(attempt: Any) -> AttemptRow:
    """An Attempt of the operator's API as a row."""
    started, ended = moment(attempt, "start_time"), moment(attempt, "end_time")
    outcome = Outcome(attempt.outcome)
    status = attempt.http_status
    response = attempt.response
    task_name = attempt.name.rpartition("/attempts/")[0]
    return AttemptRow(
        name=attempt.name,
        task=TASK.parse(task_name) or TaskName(task_name),
        number=attempt.number,
        reason=Attempt.Reason(attempt.reason_sent).name.lower(),
        started=started,
        took=ended - started if started and ended else None,
        good=outcome is Outcome.SUCCEEDED,
        result=str(status) if status else _OUTCOMES.get(outcome, "under way"),
        said=words.phrase(status) if status else attempt.error,
        followed=_followed(attempt),
        steps=_steps(attempt.timing),
        sent=attempt.request,
        head="\n".join(f"{header.name}: {header.value}" for header in response.headers),
        body=bodies.text_of(response.body_start),
        body_bytes=response.body_bytes,
        peer=attempt.peer_address,
        reused=attempt.reused_connection,
        redirects=list(attempt.redirects),
        node=attempt.node,
        fault=attempt.fault,
    )


def _followed(attempt: Any) -> str:
    if attempt.outcome == Outcome.SUCCEEDED:
        return "Delivered"
    again, ended = moment(attempt, "retry_time"), moment(attempt, "end_time")
    if again is not None:
        wait = f"Waits {words.span(again - ended)}, until" if ended else "Tried again at"
        return f"{wait} {words.clock(again)} UTC"
    return "Given up" if attempt.final else ""


def _steps(timing: Any) -> list[Step]:
    found = [(label, getattr(timing, field).ToTimedelta()) for field, label in _STEPS if timing.HasField(field)]
    whole = sum((took for _, took in found), timedelta()).total_seconds()
    if timing.HasField("total"):
        whole = max(whole, timing.total.ToTimedelta().total_seconds())
    if not whole:
        return []
    steps, at = [], 0.0
    for label, took in found:
        width = took.total_seconds() / whole * LINE
        steps.append(Step(label, took, min(at, LINE - 1), max(width, 1)))
        at += width
    return steps
