"""BufferTask: a task made of a payload alone, for the queue's routing to deliver."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from tidegate.api.dialect import Dialect
from tidegate.api.views import BASIC
from tidegate.core import refusals
from tidegate.core.names import QueueName, check_task_name
from tidegate.core.queue import HttpMethod, Scheme, UriOverride
from tidegate.core.validation import HttpDraft, TaskDraft, check_task
from tidegate.engine.engine import Engine

NOT_PASSED_ON = frozenset(
    {
        *("authorization", "x-goog-api-key", "x-forwarded-client-cert"),  # these show who calls
        *("content-encoding", "content-type", "expect", "trailer"),
    }
)
"""Headers of the call that the task does not get, beside those that no task may have. The body is already unpacked."""
DEFAULT_TYPE = "application/json"


class WithMetadata(Protocol):
    """What BufferTask reads of its call beside the message."""

    @property
    def metadata(self) -> Mapping[str, str | bytes]:
        """The headers, their names in lower case."""


async def buffer_task(
    engine: Engine, dialect: Dialect, request: Any, queue: QueueName, call: WithMetadata | None
) -> Any:
    name = check_task_name(f"{queue}/tasks/{request.task_id}", queue) if request.task_id else ""
    target = (await engine.queues.get(queue, push_only=dialect.push_only)).http_target
    override = None if target is None else target.uri_override
    if target is None or override is None or not override.host:
        raise refusals.buffer_without_host()
    if await engine.keys.get(queue.parent):
        raise refusals.buffer_under_key()
    body = request.body.data
    sent = {} if call is None else call.metadata
    headers = {
        name: value for name, value in sent.items() if isinstance(value, str) and name.lower() not in NOT_PASSED_ON
    }
    if body:
        headers["Content-Type"] = request.body.content_type or DEFAULT_TYPE
    draft = TaskDraft(
        name,
        HttpDraft(url_of(override), target.http_method or HttpMethod.POST, headers, body),
    )
    task = await engine.tasks.create(queue, check_task(draft, queue, engine.clock.now()))
    response = dialect.messages.BufferTaskResponse()
    dialect.write_task(task, BASIC, response.task)
    return response


def url_of(override: UriOverride) -> str:
    """The URL that a queue's overrides make without a task's URL."""
    scheme = "http" if override.scheme == Scheme.HTTP else "https"
    port = f":{override.port}" if override.port else ""
    path = (override.path or "").removeprefix("/")
    query = f"?{override.query}" if override.query else ""
    return f"{scheme}://{override.host}{port}/{path}{query}"
