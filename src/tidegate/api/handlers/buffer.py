"""BufferTask: a task made of a payload alone, for the queue's routing to deliver (behaviour §14)."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from tidegate.api.dialect import BASIC, Dialect
from tidegate.core import answers
from tidegate.core.names import QueueName
from tidegate.core.queue import HttpMethod, Scheme, UriOverride
from tidegate.core.validation import HttpDraft, TaskDraft, check_task
from tidegate.engine.engine import Engine

NOT_PASSED_ON = frozenset({"authorization", "content-type", "trailer"})
"""Headers of the call that do not become the task's, besides those that no task may have."""

WRAPPER_FIELDS = frozenset({"contentType", "content_type", "data", "extensions"})
JSON = "application/json"


class BufferCall(Struct, frozen=True):
    """The call as the REST server hands it over: the names in the path, then headers and body as they came."""

    queue: str
    task_id: str = ""
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""


async def buffer_task(engine: Engine, dialect: Dialect, request: BufferCall, queue: QueueName) -> Any:
    target = (await engine.queues.get(queue)).http_target
    override = None if target is None else target.uri_override
    if target is None or override is None or not override.host:
        raise answers.buffer_without_host()
    content_type, body = payload(request)
    headers = {name: value for name, value in request.headers if name.lower() not in NOT_PASSED_ON}
    if content_type or body:
        headers["Content-Type"] = content_type or JSON
    draft = TaskDraft(
        f"{queue}/tasks/{request.task_id}" if request.task_id else "",
        HttpDraft(url_of(override), target.http_method or HttpMethod.POST, headers, body),
    )
    task = await engine.tasks.create(queue, check_task(draft, queue, engine.clock.now()))
    response = dialect.messages.BufferTaskResponse()
    dialect.write_task(task, BASIC, response.task)
    return response


def payload(request: BufferCall) -> tuple[str, bytes]:
    """Content type and bytes of the task: those of the call, or those inside if its JSON is a wrapped HttpBody."""
    content_type = next((value for name, value in request.headers if name.lower() == "content-type"), "")
    if content_type.partition(";")[0].strip().lower() == JSON:
        wrapped = _unwrapped(request.body)
        if wrapped is not None:
            return wrapped
    return content_type, request.body


def _unwrapped(body: bytes) -> tuple[str, bytes] | None:
    """What is in ``{"body": {"contentType": …, "data": …}}``; None when the body is anything else."""
    try:
        whole = json.loads(body)
        inner = whole["body"] if isinstance(whole, dict) and len(whole) == 1 else None
        if not isinstance(inner, dict) or not WRAPPER_FIELDS.issuperset(inner):
            return None
        data = str(inner.get("data") or "").replace("-", "+").replace("_", "/")
        content_type = inner.get("contentType") or inner.get("content_type") or ""
        return str(content_type), b64decode(data + "=" * (-len(data) % 4), validate=True)
    except (ValueError, KeyError):
        return None


def url_of(override: UriOverride) -> str:
    """The URL that a queue's overrides make on their own."""
    scheme = "http" if override.scheme == Scheme.HTTP else "https"
    port = f":{override.port}" if override.port else ""
    path = (override.path or "").removeprefix("/")
    query = f"?{override.query}" if override.query else ""
    return f"{scheme}://{override.host}{port}/{path}{query}"
