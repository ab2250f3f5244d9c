"""Why a task does not run, and when it will."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from tidegate.core.attempt_record import AttemptOutcome, AttemptRecord
from tidegate.core.bucket import Flow
from tidegate.core.dead_letters import DeadTask
from tidegate.core.explain.forecast import start_time
from tidegate.core.explain.holds import BY_RATE, Hold, Longest, of_the_state, reason_of
from tidegate.core.explain.values import Code, Explanation, Reason, State
from tidegate.core.lease import leases_left
from tidegate.core.queue import UNLIMITED_ATTEMPTS, Kind, Queue
from tidegate.core.target import APP_ENGINE_DEADLINE
from tidegate.core.task import DEFAULT_HTTP_DEADLINE, AppEngineRequest, Task
from tidegate.core.time_text import rfc3339, seconds
from tidegate.core.times import SECOND, later

MOST_AHEAD: Final = 10_000
"""Tasks that are counted before another one."""

KNOWN_END: Final = BY_RATE | {Code.DUE_NOW, Code.OPENING_CONNECTIONS}
"""Holds of which it is known when they let the queue start its next task."""


class Situation(Struct, frozen=True):
    """A task that is there, and all that bears on its next attempt, at ``time``.

    ``ahead`` are the schedule times of the tasks that wait before it, sorted, the first ``MOST_AHEAD`` of them.
    ``hold`` is what holds the queue, ``longest`` its longest attempts under way, ``troubles`` what the next attempt
    would meet.
    """

    time: datetime
    queue: Queue
    flow: Flow
    task: Task
    ahead: Sequence[datetime]
    hold: Hold
    longest: Sequence[Longest] = ()
    troubles: Sequence[Reason] = ()


def explain_task(at: Situation) -> Explanation:
    """The state of a task that is there, and why it is not running."""
    if at.queue.kind is Kind.PULL:
        return _pull_task(at)
    if at.task.dispatched_at is not None:
        return Explanation(State.IN_FLIGHT, [_under_way(at.task, at.task.dispatched_at)])
    stopped = of_the_state(at.queue, at.hold)
    waits = _not_yet(at) if at.task.schedule_time > at.time else None
    state = State.DUE if waits is None else State.SCHEDULED
    if stopped is not None:
        return Explanation(state, [stopped, *([waits] if waits else []), *at.troubles])
    will_run = _will_run(at)
    reasons = [waits] if waits is not None else []
    if waits is None or (at.hold.code in BY_RATE and (will_run is None or will_run > at.task.schedule_time + SECOND)):
        reasons += _held(at, will_run)
    reasons += at.troubles
    if not reasons:
        reasons.append(Reason(Code.DUE_NOW, "Nothing stands in its way: it starts with the queue's next claim."))
    return Explanation(state, reasons, will_run)


def died(dead: DeadTask) -> Explanation:
    """A task that was given up and lies on its queue's shelf."""
    name = f"{dead.task.name.parent}/deadTasks/{dead.id}"
    text = (
        f"The task was given up after {dead.task.dispatch_count} attempts ({dead.reason.name}):"
        f" {dead.error_group.text}. It is kept as {name} until {rfc3339(dead.expire_time)}."
    )
    said = {"reason": dead.reason.name, "error_group": dead.error_group.id, "dead_task": name}
    return Explanation(State.DEAD, [Reason(Code.DIED, text, dead.death_time, dead.expire_time, said)])


def finished_or_deleted(last: AttemptRecord | None = None) -> Explanation:
    """A task of which only the name is left, and ``last``, its last attempt, if that was kept."""
    if last is not None and last.final and last.outcome is AttemptOutcome.SUCCEEDED:
        text = f"Attempt {last.number} delivered the task at {rfc3339(last.end_time)}."
        since, said = last.end_time, {"attempt": str(last.number)}
    else:
        text, since, said = "The task was delivered, given up or deleted.", None, {}
    text += " Its name stays taken for the queue's tombstone_ttl."
    return Explanation(State.FINISHED_OR_DELETED, [Reason(Code.FINISHED_OR_DELETED, text, since, None, said)])


def never_existed() -> Explanation:
    """A task of which nothing is known."""
    text = "The queue has no task of that name, nor does it remember one: tombstones are kept for its tombstone_ttl."
    return Explanation(State.UNKNOWN, [Reason(Code.NEVER_EXISTED, text)])


def _pull_task(at: Situation) -> Explanation:
    task, left = at.task, leases_left(at.task, at.queue)
    counts = {"leases": str(task.dispatch_count), "leases_left": "unlimited" if left > MOST_AHEAD else f"{left:g}"}
    if task.schedule_time > at.time:
        until = task.schedule_time
        if task.dispatch_count:
            text = f"A worker holds lease {task.dispatch_count} of it until {rfc3339(until)}."
            return Explanation(State.LEASED, [Reason(Code.LEASED, text, None, until, counts)])
        text = f"It can be leased from {rfc3339(until)} on, in {seconds(until - at.time)}."
        reasons = [Reason(Code.NOT_YET_DUE, text, task.create_time, until)]
        state = State.SCHEDULED
    elif left <= 0:
        text = f"Its last lease, number {task.dispatch_count}, ran out: the task is about to be given up."
        reasons = [Reason(Code.NO_LEASES_LEFT, text, task.schedule_time, None, counts)]
        state = State.DUE
    else:
        reasons = [Reason(Code.DUE_NOW, "Nothing stands in its way: a worker may lease it.", task.schedule_time)]
        state = State.DUE
    stopped = of_the_state(at.queue, at.hold)
    if stopped is not None:
        reasons = [stopped, *(each for each in reasons if each.code is not Code.DUE_NOW)]
    return Explanation(state, reasons)


def _under_way(task: Task, started: datetime) -> Reason:
    standard = APP_ENGINE_DEADLINE if isinstance(task.target, AppEngineRequest) else DEFAULT_HTTP_DEADLINE
    deadline = later(started, task.dispatch_deadline or standard)
    number = task.dispatch_count
    text = (
        f"Attempt {number} is under way since {rfc3339(started)}; it has to be answered by its deadline,"
        f" {rfc3339(deadline)}."
    )
    return Reason(Code.IN_FLIGHT, text, started, deadline, {"attempt": str(number)})


def _not_yet(at: Situation) -> Reason:
    """Why a task is not due."""
    task, until = at.task, at.task.schedule_time
    last = task.last_attempt
    if last is None or last.status is None:
        text = f"It is due at {rfc3339(until)}, in {seconds(until - at.time)}."
        return Reason(Code.NOT_YET_DUE, text, task.create_time, until)
    most = (task.retry_config or at.queue.retry_config).max_attempts
    left = "any number" if most == UNLIMITED_ATTEMPTS else f"{max(0, most - task.dispatch_count)} of {most}"
    said = {
        "attempt": str(task.dispatch_count),
        "status": last.status.message,
        "attempts_left": "unlimited" if most == UNLIMITED_ATTEMPTS else str(max(0, most - task.dispatch_count)),
    }
    text = (
        f"Attempt {task.dispatch_count} failed with {last.status.message}; the next one starts at {rfc3339(until)}, in"
        f" {seconds(until - at.time)}. Attempts left: {left}."
    )
    return Reason(Code.BACKING_OFF, text, last.response_time, until, said)


def _held(at: Situation, will_run: datetime | None) -> list[Reason]:
    """What holds the queue, as a reason why this task of it waits; nothing if nothing does."""
    if at.hold.code is Code.DUE_NOW:
        return []
    reason = reason_of(at.hold, at.queue, at.flow, at.longest, at.time)
    if not at.ahead:
        return [reason]
    count = len(at.ahead)
    place = f"{MOST_AHEAD} or more" if count >= MOST_AHEAD else str(count)
    tasks = "task waits" if count == 1 else "tasks wait"
    details = {**reason.details, "ahead": str(count)}
    until = reason.until if will_run is None else max(will_run, reason.until or will_run)
    return [replace(reason, text=f"{reason.text} {place} {tasks} before this one.", details=details, until=until)]


def _will_run(at: Situation) -> datetime | None:
    """When the task starts, None where nobody knows."""
    if len(at.ahead) >= MOST_AHEAD:
        return None
    due = at.task.schedule_time <= at.time
    if due and at.hold.code not in KNOWN_END:
        return None
    first_look = max(at.time, at.hold.until) if at.hold.code in KNOWN_END and at.hold.until else at.time
    return start_time(at.flow, at.queue.rate_limits, [*at.ahead, at.task.schedule_time], first_look)
