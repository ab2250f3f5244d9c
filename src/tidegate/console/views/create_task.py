"""Making a task from a form."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from tidegate.console.answer import Answer
from tidegate.console.queue_form import read_span
from tidegate.console.queue_head import head_of
from tidegate.console.visit import Visit
from tidegate.core.errors import ApiError, InvalidArgument
from tidegate.core.names import QueueName
from tidegate.schema.v2beta3 import CloudTasks, HttpMethod, Queue, Task

METHODS: Final = ("POST", "GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
FIELDS: Final = ("id", "url", "method", "headers", "body", "when", "deadline", "tag")


async def form(visit: Visit, name: QueueName, trouble: str = "") -> Answer:
    visit.need("cloudtasks.tasks.create", name)
    return visit.page(
        "create_task.html",
        code=400 if trouble else 200,
        title=f"Create task in {name.queue}",
        section="queues",
        head=await head_of(visit, name, ""),
        sent={field: visit.request.sent(field) for field in FIELDS},
        methods=METHODS,
        trouble=trouble,
    )


async def create(visit: Visit, name: QueueName) -> Answer:
    try:
        queue = await visit.calls(CloudTasks.get_queue, name=name)
        request = CloudTasks.create_task.request_pb(
            parent=name, task=_task(visit, name, pull=queue.type_ == Queue.Type.PULL)
        )
        task = await visit.calls(CloudTasks.create_task, request)
    except ApiError as error:
        return await form(visit, name, error.message)
    return visit.go(task.name, notice="created")


def _task(visit: Visit, name: QueueName, *, pull: bool) -> Any:
    """The task of the form. Raises InvalidArgument."""
    sent = visit.request.sent
    task = Task.pb()()
    if sent("id").strip():
        task.name = f"{name}/tasks/{sent('id').strip()}"
    # A browser sends a text field's lines with CR LF, whatever was typed.
    body = sent("body").replace("\r\n", "\n").encode("utf-8", "surrogateescape")
    if pull:
        task.pull_message.payload = body
        task.pull_message.tag = sent("tag").strip()
    else:
        task.http_request.url = sent("url").strip()
        task.http_request.http_method = HttpMethod[sent("method") if sent("method") in METHODS else "POST"]
        if body:
            task.http_request.body = body
        for key, value in _headers(sent("headers")):
            task.http_request.headers[key] = value
        if sent("deadline").strip():
            task.dispatch_deadline.FromTimedelta(read_span(sent("deadline"), "Dispatch deadline"))
    if sent("when").strip():
        task.schedule_time.FromDatetime(read_moment(sent("when").strip(), visit.now))
    return task


def _headers(text: str) -> list[tuple[str, str]]:
    pairs = []
    for line in text.splitlines():
        if line.strip():
            key, colon, value = line.partition(":")
            if not colon:
                raise InvalidArgument(f"Headers: {line!r} has no colon; write one NAME: VALUE a line.")
            pairs.append((key.strip(), value.strip()))
    return pairs


def read_moment(text: str, now: datetime) -> datetime:
    """``2026-12-01T08:00:00Z``, or a span from now on: ``15m``."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return now + read_span(text.removeprefix("in "), "Schedule time")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
