"""``tidegate explain``: why a task does not run, as sentences; ``tidegate curl``: its request as a command line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tidegate.cli.problems import CommandError
from tidegate.cli.run.calls import query_of, the_call
from tidegate.cli.run.operating.spans import read_time, said_span
from tidegate.cli.run.session import Session

STATES = {
    "SCHEDULED": "is scheduled",
    "DUE": "is due",
    "IN_FLIGHT": "has an attempt under way",
    "LEASED": "is leased",
    "DEAD": "was given up",
    "FINISHED_OR_DELETED": "is done, or was deleted",
    "UNKNOWN": "is not known",
}
WAITING = frozenset({"SCHEDULED", "DUE", "IN_FLIGHT", "LEASED"})


def explain(session: Session) -> None:
    """Print why a task, or without one its queue, does what it does."""
    line = session.line
    if not line.words.get("TASK") and not line.value("--queue"):
        raise CommandError("Must specify a task, or a queue with --queue.")
    names = session.names()
    name = names["task"] or names["queue"]
    answer = session.call("GET", f"{name}:explain", query_of(line) if names["task"] else {})
    if session.format is not None:
        session.answer(answer)
        return
    print("\n".join(sentences(name, answer, datetime.now(UTC))))


def sentences(name: str, answer: dict[str, Any], now: datetime) -> list[str]:
    """The explanation as lines: the state, then a reason each, the decisive one first."""
    what = name.rpartition("/queues/")[2].replace("/tasks/", "/")
    first = f"{what} {STATES.get(answer.get('state', ''), 'is in a state that this program does not know')}"
    if "/tasks/" not in name:
        first = f"The queue {what}"
        first += "'s next task " + STATES.get(answer["state"], "") if answer.get("state") in WAITING else " has no task"
    if "willRunTime" in answer:
        first += f"; its next attempt starts {_when(answer['willRunTime'], now)}"
    return [f"{first}.", *(_reason(each, now) for each in answer.get("reasons", ()))]


def _reason(reason: dict[str, Any], now: datetime) -> str:
    text = f"  {reason.get('code', '')}: {reason.get('text', '').rstrip('.')}"
    if "since" in reason:
        text += f", since {_when(reason['since'], now)}"
    if "until" in reason:
        text += f", until {_when(reason['until'], now)}"
    details = ", ".join(f"{key} {value}" for key, value in sorted(reason.get("details", {}).items()))
    return f"{text} ({details})." if details else f"{text}."


def _when(text: str, now: datetime) -> str:
    """``2026-01-01T12:00:00Z (in 5 min)``."""
    away = read_time(text) - now
    return f"{text} ({f'{said_span(-away)} ago' if away.total_seconds() < 0 else f'in {said_span(away)}'})"


def curl(session: Session) -> None:
    """Print a task's request as a line for curl."""
    work = the_call(session.line)
    answer = session.call(work.verb, work.path.format(**session.names()), {"format": "CURL", **query_of(session.line)})
    if session.format is not None:
        session.answer(answer)
    else:
        print(answer.get("text", ""))
