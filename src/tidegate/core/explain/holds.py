"""What holds a queue, in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from tidegate.core.bucket import Flow
from tidegate.core.explain.values import Code, Reason
from tidegate.core.names import TaskName
from tidegate.core.queue import Queue, State
from tidegate.core.throttle import WATCHED_SECONDS
from tidegate.core.time_text import rfc3339

BY_RATE: Final = frozenset({Code.RATE_LIMITED, Code.THROTTLED, Code.RAMPING_UP})
"""Holds that the queue's own tokens end, so that it is known when."""

_OF_THE_NODE: Final = {
    Code.SERVER_FULL: "This node has as many attempts under way as it carries, or as many bytes of bodies in them",
    Code.OPENING_CONNECTIONS: "The queue's attempts need new connections, of which a node opens a few at a time",
    Code.DISK_FULL: "The store takes nothing at the moment: its disk is full, or a commit failed",
    Code.DRAINING: "This node is about to stop and starts nothing more",
    Code.OWNED_BY_NOBODY: "No node that lives starts attempts of the queue: all of them are drained",
}


class Hold(Struct, frozen=True):
    """What keeps a queue from starting more, as the scheduler has it; DUE_NOW for nothing. ``note`` says more."""

    code: Code
    since: datetime | None = None
    until: datetime | None = None
    note: str = ""


class Longest(Struct, frozen=True):
    """An attempt that has been under way for long."""

    task: TaskName
    since: datetime


def of_the_state(queue: Queue, hold: Hold) -> Reason | None:
    """Why a queue that is paused or disabled starts nothing; None for one that runs. ``hold`` may know since when."""
    if queue.state is State.RUNNING:
        return None
    paused = queue.state is State.PAUSED
    code = Code.QUEUE_PAUSED if paused else Code.QUEUE_DISABLED
    since = hold.since if hold.code is code else None
    return Reason(code, f"The queue is {'paused' if paused else 'disabled'}; ResumeQueue lets it go on.", since)


def reason_of(hold: Hold, queue: Queue, flow: Flow, longest: Sequence[Longest], now: datetime) -> Reason:
    """A hold as a reason, with the queue's figures."""
    limits = flow.limits(queue.rate_limits, now)
    rate = limits.max_dispatches_per_second
    said = {"rate": f"{rate:g}", "tokens": f"{flow.bucket.filled(limits, now).tokens:.3f}"}
    next_token = "" if hold.until is None else f"; the next token is there at {rfc3339(hold.until)}"
    match hold.code:
        case Code.RATE_LIMITED:
            text = f"The queue has spent its tokens, of which it gets {rate:g} a second{next_token}."
        case Code.THROTTLED:
            factor = flow.throttle.factor_at(now)
            ended = sum(each.ended for each in flow.throttle.answers)
            failed = sum(each.failed for each in flow.throttle.answers)
            said |= {"factor": f"{factor:.3f}", "ended": str(ended), "failed": str(failed)}
            text = (
                f"Handlers answered 429 or 503, or mostly failed ({failed} of {ended} in {WATCHED_SECONDS} s), so the"
                f" queue is slowed to {factor:.0%} of its rate, {rate:g} a second{next_token}."
            )
        case Code.RAMPING_UP:
            text = (
                f"The queue ramps up: it may start {rate:g} of {queue.rate_limits.max_dispatches_per_second:g} a second"
                f"{next_token}."
            )
        case Code.CONCURRENCY_FULL:
            most = limits.max_concurrent_dispatches
            said = {"in_flight": str(flow.in_flight), "max_concurrent_dispatches": str(most)}
            for place, each in enumerate(longest, 1):
                said[f"longest_{place}"] = each.task
                said[f"longest_{place}_since"] = rfc3339(each.since)
            text = f"{flow.in_flight} of {most} attempts that the queue allows are under way; one has to end first."
        case _:
            said = {}
            text = f"{_OF_THE_NODE[hold.code]}."
    if hold.note:
        text = f"{text} {hold.note}"
    return Reason(hold.code, text, hold.since, hold.until, said)
