"""The request of a task's attempt, as text."""

from __future__ import annotations

from typing import Any, Final

from tidegate.api.operator.parts import Parts
from tidegate.core.errors import FailedPrecondition, InvalidArgument, NotFound
from tidegate.core.names import TaskName
from tidegate.core.rendering import ShownRequest, curl, har, http, python, shown
from tidegate.core.target import Unsendable, compose
from tidegate.core.task import Task
from tidegate.schema.operator import RenderRequestRequest, RenderRequestResponse

_CURL: Final = int(RenderRequestRequest.Format.CURL)
_HTTP: Final = int(RenderRequestRequest.Format.HTTP)
_PYTHON: Final = int(RenderRequestRequest.Format.PYTHON)
_HAR: Final = int(RenderRequestRequest.Format.HAR)


async def render_request(parts: Parts, request: Any, name: TaskName, call: Any) -> Any:
    """The request as the next attempt would send it, or as a kept one did."""
    wanted = request.format or _CURL
    if wanted not in {_CURL, _HTTP, _PYTHON, _HAR}:
        raise InvalidArgument(f"RenderRequestRequest.format must be CURL, HTTP, PYTHON or HAR, but is {wanted}.")
    if request.attempt < 0:
        raise InvalidArgument(f"RenderRequestRequest.attempt must not be negative, but is {request.attempt}.")
    engine = parts.engine
    queue, task = await engine.queues.get(name.parent), await engine.tasks.get(name, body=True)
    now = engine.clock.now()
    attempted = task.dispatched(now)
    composed = compose(attempted, queue, engine.operator_rules.app_engine)
    if isinstance(composed, Unsendable):
        raise FailedPrecondition(f"The task has no request that could be sent: {composed.reason}.")
    seen = shown(composed)
    if request.attempt and request.attempt != attempted.dispatch_count:
        seen = await _kept(parts, name, task, request.attempt, seen)
    response = RenderRequestResponse.pb()()
    if wanted == _CURL:
        response.text = curl(seen)
    elif wanted == _HTTP:
        response.text = http(seen)
    elif wanted == _PYTHON:
        response.text = python(seen)
    else:
        response.text = har(seen, now, parts.about.version)
    return response


async def _kept(parts: Parts, name: TaskName, task: Task, number: int, now: ShownRequest) -> ShownRequest:
    """The request of a kept attempt. Bodies are not kept, but a task's never changes."""
    kept = await parts.engine.attempts.get(name, number)
    sent = kept.record.exchange.request
    if not sent.method:
        raise NotFound(f"Attempt {number} of the task sent nothing.")
    return ShownRequest(sent.method, sent.url, sent.headers, task.body, now.timeout)
