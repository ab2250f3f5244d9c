"""What an attempt has to pass: queue, schedule, rate, concurrency, attempts; each with how it stands."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from tidegate.console import words
from tidegate.console.snapshot import moment
from tidegate.schema.v2beta3 import Queue


class Gate(Struct, frozen=True):
    """One of them. ``holds`` says whether it keeps the task from running now."""

    title: str
    text: str
    holds: bool
    icon: str = "alert"


def gates_of(task: Any, queue: Any, status: Any, now: datetime) -> list[Gate]:
    """In the order in which they are met."""
    running = queue.state == Queue.State.RUNNING
    pull = task.HasField("pull_message")
    gates = [Gate("Queue", Queue.State(queue.state).name.lower(), not running, "pause"), _schedule(task, now)]
    if not pull:
        gates += [_rate(queue, status), _concurrency(queue, status)]
    gates.append(_attempts(task, queue))
    return gates


def _schedule(task: Any, now: datetime) -> Gate:
    scheduled = moment(task, "schedule_time")
    if scheduled is None or scheduled <= now:
        return Gate("Schedule", f"due {words.ago(scheduled, now)}" if scheduled else "due", False)
    return Gate("Schedule", f"due {words.due(scheduled, now)}", True, "clock")


def _rate(queue: Any, status: Any) -> Gate:
    rate = queue.rate_limits.max_dispatches_per_second * status.throttle_factor
    slowed = "slowed to " if status.throttle_factor < 1 else ""
    text = f"{slowed}{words.number(rate)}/s, {words.number(int(status.tokens))} tokens left"
    return Gate("Rate", text, status.tokens < 1)


def _concurrency(queue: Any, status: Any) -> Gate:
    most = queue.rate_limits.max_concurrent_dispatches
    full = status.in_flight >= most
    text = f"{words.number(status.in_flight)} of {words.number(most)} in flight" + (
        "; will wait in line" if full else ""
    )
    return Gate("Concurrency", text, full)


def _attempts(task: Any, queue: Any) -> Gate:
    retry = queue.retry_config
    most = task.retry_config.max_attempts if task.HasField("retry_config") else retry.max_attempts
    if most < 0:
        return Gate("Attempts", f"{task.dispatch_count:,} made, no limit", False)
    left = max(most - task.dispatch_count, 0)
    limit = "no time limit"
    if retry.max_retry_duration.ToTimedelta():
        limit = f"for {words.exact_span(retry.max_retry_duration.ToTimedelta())}"
    return Gate("Attempts", f"{left:,} left, {limit}", left == 0)
