"""Tasks as programs make them again and again. All are dicts, which the clients of every version take, Google's too."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

UNSET: Any = object()
JSON = "application/json"
ID_LENGTH = 32  # hex digits: 128 bits of SHA-256, so that two keys never meet

_QUEUE = re.compile(r"projects/[^/]+/locations/[^/]+/queues/[^/]+")


def http_task(
    url: str,
    *,
    json: Any = UNSET,
    body: bytes | str | None = None,
    method: str | None = None,
    headers: Mapping[str, str] | None = None,
    delay: timedelta | float | None = None,
    at: datetime | None = None,
    name: str | None = None,
    deadline: timedelta | float | None = None,
    service_account: str | None = None,
    audience: str | None = None,
) -> dict[str, Any]:
    """A task that calls a URL.

        client.create_task(parent=queue, task=tidegate.http_task(url, json={"user": 7}, delay=60))

    Args:
        url: what to call.
        json: a body in JSON, with its content type; also dataclasses, datetimes, UUIDs and decimals.
        body: a body as it is; text as UTF-8.
        method: such as ``GET``; POST by default.
        headers: more headers.
        delay: from now, in seconds or as a timedelta.
        at: when, instead of ``delay``; without a time zone it is UTC.
        name: the task's full name, as ``task_name`` makes it; the server makes one by default.
        deadline: how long an attempt may take, in seconds or as a timedelta (not in v2beta2).
        service_account: sends an OIDC token of this service account along.
        audience: whom that token is for; the URL by default.

    Raises:
        ValueError: both a body and JSON, both a delay and a time, or an audience without a service account.
    """
    if audience is not None and service_account is None:
        raise ValueError("an audience is for the token of a service_account")
    sent = dict(headers or {})
    if json is not UNSET and not any(header.lower() == "content-type" for header in sent):
        sent["Content-Type"] = JSON
    token = {"service_account_email": service_account, "audience": audience}
    request = {
        "url": url,
        "http_method": method,
        "headers": sent or None,
        "body": _content("body", json, body),
        "oidc_token": _given(token) if service_account is not None else None,
    }
    limit = None if deadline is None else _interval(deadline)
    return {"http_request": _given(request), **_given({"dispatch_deadline": limit}), **_common(name, delay, at)}


def pull_task(
    *,
    json: Any = UNSET,
    payload: bytes | str | None = None,
    tag: str | None = None,
    delay: timedelta | float | None = None,
    at: datetime | None = None,
    name: str | None = None,
) -> dict[str, Any]:
    """A task for workers to lease, in v2beta2.

    Args:
        json: a payload in JSON.
        payload: a payload as it is; text as UTF-8.
        tag: the group by which it can be leased.
        delay: from now, in seconds or as a timedelta; it cannot be leased before.
        at: when, instead of ``delay``.
        name: the task's full name; the server makes one by default.

    Raises:
        ValueError: both a payload and JSON, or both a delay and a time.
    """
    message = {"payload": _content("payload", json, payload), "tag": tag}
    return {"pull_message": _given(message), **_common(name, delay, at)}


def task_name(queue: str, *key: object) -> str:
    """The full name of the task for ``key``: the same key, the same name, so that it is created once.

        tidegate.task_name(queue, "invoice", 17, "reminder")

    The ID is a hash of the key's parts as text, which also spreads the tasks well.

    Args:
        queue: the full name of the queue.
        key: what the task is for; at least one part.

    Raises:
        ValueError: there is no key, or the queue's name is not a full one.
    """
    if not key:
        raise ValueError("a task name needs a key")
    if not _QUEUE.fullmatch(queue):
        raise ValueError(f"queue must be a full name, projects/P/locations/L/queues/Q, not {queue!r}")
    parts = [str(part).encode() for part in key]
    framed = b"".join(len(part).to_bytes(8, "big") + part for part in parts)  # ("ab", "c") is not ("a", "bc")
    return f"{queue}/tasks/{hashlib.sha256(framed).hexdigest()[:ID_LENGTH]}"


def _content(called: str, json: Any, content: bytes | str | None) -> bytes | None:
    if json is UNSET:
        return content.encode() if isinstance(content, str) else content
    if content is not None:
        raise ValueError(f"a task has one {called}: give json or {called}, not both")
    return msgspec.json.encode(json)


def _common(name: str | None, delay: timedelta | float | None, at: datetime | None) -> dict[str, Any]:
    if delay is not None:
        if at is not None:
            raise ValueError("give a delay or a time, not both")
        at = datetime.now(UTC) + _interval(delay)
    return _given({"name": name, "schedule_time": at})


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _interval(value: timedelta | float) -> timedelta:
    return value if isinstance(value, timedelta) else timedelta(seconds=value)
