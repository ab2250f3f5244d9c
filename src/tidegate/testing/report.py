"""What a failing test's report says of its tasks: which are left, why, and how their attempts ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tidegate.testing.handler_request import HandlerRequest

MOST = 20
"""Tasks, attempts and requests that a report tells of."""


def tasks_left(client: Any, queues: Iterable[str]) -> list[str]:
    """A line for each task that is left in these queues, with what ExplainTask says of it."""
    lines: list[str] = []
    for queue in queues:
        for task in client.list_tasks(parent=queue):
            if len(lines) == MOST:
                return [*lines, "  and more"]
            lines.append(f"  {_short(task.name)}: {_target(task)}{_tried(task)}; {_why(client, task.name)}")
    return lines


def last_attempts(client: Any, queues: Iterable[str]) -> list[str]:
    """A line for each of the last attempts that were kept, the newest first."""
    lines: list[str] = []
    for queue in queues:
        for attempt in client.operator.list_attempts(parent=queue):
            if len(lines) == MOST:
                return [*lines, "  and more"]
            ended = attempt.http_status or attempt.outcome.name
            fault = f", by fault {attempt.fault}" if attempt.fault else ""
            lines.append(f"  {_short(attempt.name)}: {ended}{fault}, at {attempt.start_time}")
    return lines


def failures(requests: Sequence[HandlerRequest]) -> list[str]:
    """A line for each request whose handler did not answer 2xx, with what it raised; the last ones of many."""
    lines = [
        f"  {request.method} {request.url} -> {request.status}"
        + (f": {type(request.error).__name__}: {request.error}" if request.error else "")
        for request in requests
        if request.status is None or not 200 <= request.status <= 299
    ]
    return lines if len(lines) <= MOST else [f"  {len(lines) - MOST} more, then", *lines[-MOST:]]


def _short(name: str) -> str:
    """The name from its queue's ID on."""
    return name.partition("/queues/")[2]


def _target(task: Any) -> str:
    return task.http_request.url or f"App Engine {task.app_engine_http_request.relative_uri}"


def _tried(task: Any) -> str:
    return f", {task.dispatch_count} attempts" if task.dispatch_count else ""


def _why(client: Any, name: str) -> str:
    explained = client.operator.explain_task(name=name)
    return " ".join(reason.text for reason in explained.reasons) or explained.state.name
