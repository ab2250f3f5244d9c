"""States in words and colours."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from tidegate.console.snapshot import moment


class State(Struct, frozen=True):
    """What a pill says, and its colour: ``ok``, ``warn``, ``bad``, ``busy``, ``accent`` or none."""

    text: str
    kind: str = ""


RUNNING: Final = State("Running", "ok")
QUEUE_STATES: Final = {"running": RUNNING, "paused": State("Paused", "warn"), "disabled": State("Disabled")}

IN_FLIGHT: Final = State("In flight", "busy")
LEASED: Final = State("Leased", "busy")
RETRYING: Final = State("Waiting for retry", "warn")
SCHEDULED: Final = State("Scheduled")
DUE: Final = State("Due", "accent")


def queue_state(state: str, *, pull: bool) -> State:
    if pull and state == "running":
        return State("Pull", "accent")
    return QUEUE_STATES.get(state, State(state.capitalize()))


def task_state(task: Any, now: datetime) -> State:
    """The state of a v2beta3 Task."""
    scheduled = moment(task, "schedule_time")
    later = scheduled is not None and scheduled > now
    if task.HasField("pull_message"):
        return LEASED if later and task.dispatch_count else SCHEDULED if later else DUE
    last = task.last_attempt
    if task.HasField("last_attempt") and last.HasField("dispatch_time") and not last.HasField("response_time"):
        return IN_FLIGHT
    if later:
        return RETRYING if task.dispatch_count else SCHEDULED
    return DUE
