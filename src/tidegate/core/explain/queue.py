"""Why a queue starts nothing, or when it will."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from tidegate.core.bucket import Flow
from tidegate.core.explain.holds import Hold, Longest, of_the_state, reason_of
from tidegate.core.explain.task import KNOWN_END
from tidegate.core.explain.values import Code, Explanation, Reason, State
from tidegate.core.queue import Kind, Queue
from tidegate.core.time_text import rfc3339, seconds


class QueueSituation(Struct, frozen=True):
    """A queue at ``time``: ``tasks`` are in it, the first of those that wait is due at ``next_due``."""

    time: datetime
    queue: Queue
    flow: Flow
    tasks: int
    next_due: datetime | None
    hold: Hold
    longest: Sequence[Longest] = ()


def explain_queue(at: QueueSituation) -> Explanation:
    """The state of the task at the queue's head, and what keeps it from starting; of an empty queue none is known."""
    stopped = of_the_state(at.queue, at.hold)
    before = [stopped] if stopped else []
    due = at.next_due
    if due is None:
        if at.tasks:
            text = f"All {at.tasks} tasks are under way."
            since = at.longest[0].since if at.longest else None
            return Explanation(State.IN_FLIGHT, [*before, Reason(Code.IN_FLIGHT, text, since)])
        empty = Reason(Code.DUE_NOW, "The queue is empty, and nothing stands in the way of a new task.")
        return Explanation(State.UNKNOWN, before or [empty])
    if due > at.time:
        text = f"The next task is due at {rfc3339(due)}, in {seconds(due - at.time)}."
        not_yet = Reason(Code.NOT_YET_DUE, text, until=due)
        return Explanation(State.SCHEDULED, [*before, not_yet], None if stopped or _pull(at) else due)
    if stopped or _pull(at) or at.hold.code is Code.DUE_NOW:
        text = "A worker may lease its tasks." if _pull(at) else "Its next claim takes what is due."
        nothing = Reason(Code.DUE_NOW, f"Nothing stands in the way: {text[0].lower()}{text[1:]}", due)
        will_run = None if stopped or _pull(at) else max(at.time, at.hold.until or at.time)
        return Explanation(State.DUE, before or [nothing], will_run)
    reason = reason_of(at.hold, at.queue, at.flow, at.longest, at.time)
    will_run = max(at.time, at.hold.until) if at.hold.until and at.hold.code in KNOWN_END else None
    return Explanation(State.DUE, [reason], will_run)


def _pull(at: QueueSituation) -> bool:
    return at.queue.kind is Kind.PULL
