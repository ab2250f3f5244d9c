"""The tasks of a queue as rows of a table, and what may be typed to find some."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from google.rpc.code_pb2 import Code as RpcCode
from msgspec import Struct

from tidegate.api.operator.state_reading import HTTP_STATUS
from tidegate.console import words
from tidegate.console.snapshot import moment
from tidegate.console.states import IN_FLIGHT, State, task_state
from tidegate.schema.v2beta3 import HttpMethod

LATEST: Final = "latest"
SEGMENTS: Final = ("in-flight", "due", "retrying", "scheduled")
URL_MAX: Final = 200
AFTER_ALL: Final = "~"
"""Sorts behind every character of an ID."""


class TaskRow(Struct, frozen=True):
    """A task. ``failed`` is what the last attempt ended with, in one word; ``said`` the rest of it."""

    name: str
    id: str
    state: State
    scheduled: datetime | None
    started: datetime | None
    verb: str
    url: str
    target: str
    attempts: int
    failed: str
    said: str
    created: datetime | None


def task_row(task: Any, now: datetime) -> TaskRow:
    """A v2beta3 Task as a row."""
    verb, url = target_of(task)
    state = task_state(task, now)
    failed, said = _last_response(task)
    if state is IN_FLIGHT and task.dispatch_count == 1:
        failed, said = "", "First attempt"
    parts = urlsplit(url) if url.startswith("http") else None
    return TaskRow(
        name=task.name,
        id=task.name.rpartition("/")[2],
        state=state,
        scheduled=moment(task, "schedule_time"),
        started=moment(task.last_attempt, "dispatch_time") if state is IN_FLIGHT else None,
        verb=verb,
        url=url,
        target=(parts.netloc + parts.path + (f"?{parts.query}" if parts.query else "") if parts else url)[:URL_MAX],
        attempts=task.dispatch_count,
        failed=failed,
        said=said,
        created=moment(task, "create_time"),
    )


def target_of(task: Any) -> tuple[str, str]:
    """The method and the URL of a task; for App Engine and pull tasks what comes nearest."""
    if task.HasField("http_request"):
        return HttpMethod(task.http_request.http_method).name, task.http_request.url
    if task.HasField("app_engine_http_request"):
        request = task.app_engine_http_request
        service = request.app_engine_routing.service or "default"
        return HttpMethod(request.http_method).name, f"App Engine {service}: {request.relative_uri or '/'}"
    return "PULL", f"tag {task.pull_message.tag}" if task.pull_message.tag else "no tag"


def body_of(task: Any) -> bytes:
    """The body of a task in the FULL view."""
    for field, part in (("http_request", "body"), ("app_engine_http_request", "body"), ("pull_message", "payload")):
        if task.HasField(field):
            body: bytes = getattr(getattr(task, field), part)
            return body
    return b""


def headers_of(task: Any) -> list[tuple[str, str]]:
    """The headers of its request, sorted by name."""
    for field in ("http_request", "app_engine_http_request"):
        if task.HasField(field):
            return sorted(getattr(task, field).headers.items())
    return []


def _last_response(task: Any) -> tuple[str, str]:
    if not task.HasField("last_attempt") or not task.last_attempt.HasField("response_time"):
        return "", words.NOTHING
    status = task.last_attempt.response_status
    if not status.code:
        return "", "OK"
    if (answered := HTTP_STATUS.search(status.message)) is not None:
        return answered[1], words.phrase(int(answered[1]))
    if status.code == RpcCode.UNKNOWN and status.message.endswith(" 0"):  # HTTP status code 0: there was none
        return words.NO_ANSWER, ""
    return RpcCode.Name(status.code).replace("_", " ").capitalize(), status.message[:80]


def filter_of(text: str, segment: str, now: datetime) -> str:
    """The filter of SearchTasks for what was typed and the chosen segment.

    ``mail-7`` is the beginning of an ID; ``url:host``, ``status:503`` and ``attempts:3`` (at least so many) are terms.
    """
    terms = []
    for word in text.split():
        field, colon, value = word.partition(":")
        value = value.replace('"', "")
        if colon and field == "url":
            terms.append(f'url_host:"{value}"' if "/" not in value else f'http_request.url:"{value}"')
        elif colon and field == "status" and value.isdecimal():
            terms.append(f"last_http_status={value}")
        elif colon and field == "attempts" and value.isdecimal():
            terms.append(f"dispatch_count>={value}")
        else:
            beginning = word.replace('"', "")
            terms += [f'task_id>="{beginning}"', f'task_id<"{beginning}{AFTER_ALL}"']  # found by an index
    stamp = words.iso(now)
    if segment == "due":
        terms.append(f'schedule_time<="{stamp}"')
    elif segment == "scheduled":
        terms += [f'schedule_time>"{stamp}"', "dispatch_count=0"]
    elif segment == "in-flight":
        terms += ["last_attempt.dispatch_time:*", "NOT last_attempt.response_time:*"]
    elif segment == "retrying":
        terms += [f'schedule_time>"{stamp}"', "dispatch_count>0"]
    return " AND ".join(terms)


def order_of(text: str, sort: str) -> str:
    """The order of SearchTasks: by schedule time, the latest first with ``sort`` latest; by ID where that is searched
    for, which is found by an index then.
    """
    if any(":" not in word for word in text.split()):
        return "name"
    return "schedule_time desc" if sort == LATEST else "schedule_time"


def late_by(status: Any) -> timedelta | None:
    """How late the oldest due task of a QueueStatus is."""
    return status.oldest_due_age.ToTimedelta() if status.HasField("oldest_due_age") else None
