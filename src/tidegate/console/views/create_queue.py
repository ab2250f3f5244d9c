"""Making a queue from a form, or many from a queue.yaml."""

from __future__ import annotations

from tidegate.console.answer import Answer
from tidegate.console.places import snapshot_of, snapshots
from tidegate.console.queue_form import new_queue
from tidegate.console.views.queues import may_create
from tidegate.console.visit import Visit
from tidegate.core.access.permissions import QUEUES_CREATE
from tidegate.core.errors import ApiError
from tidegate.core.names import QueueName
from tidegate.schema.v2beta2 import CloudTasks as CloudTasksV2beta2
from tidegate.schema.v2beta3 import CloudTasks

FIELDS = (
    "project",
    "location",
    "queue",
    "type",
    "rate_limits.max_dispatches_per_second",
    "rate_limits.max_concurrent_dispatches",
    "retry_config.max_attempts",
    "retry_config.min_backoff",
    "retry_config.max_backoff",
)


async def form(visit: Visit, trouble: str = "") -> Answer:
    if not may_create(visit):
        visit.need(QUEUES_CREATE)
    sent = {field: visit.request.sent(field) or visit.request.asked(field) for field in FIELDS}
    if not sent["project"]:
        known = (await snapshot_of(visit)).rows
        sent |= {"project": known[0].project, "location": known[0].location} if known else {}
    return visit.page(
        "create_queue.html",
        code=400 if trouble else 200,
        title="Create queue",
        section="queues",
        sent=sent,
        trouble=trouble,
    )


async def create(visit: Visit) -> Answer:
    try:
        request = new_queue(visit.request)
        queue = await visit.calls(CloudTasks.create_queue, request)
    except ApiError as error:
        return await form(visit, error.message)
    await snapshots(visit).look_again(visit.calls, QueueName(queue.name))
    return visit.go(queue.name, notice="created")


async def yaml_form(visit: Visit, trouble: str = "") -> Answer:
    if not may_create(visit):
        visit.need(QUEUES_CREATE)
    return visit.page(
        "apply_yaml.html",
        code=400 if trouble else 200,
        title="Apply queue.yaml",
        section="queues",
        text=visit.request.sent("text"),
        project=visit.request.sent("project"),
        trouble=trouble,
    )


async def apply(visit: Visit) -> Answer:
    row = CloudTasksV2beta2.upload_queue_yaml
    request = row.request_pb(app_id=visit.request.sent("project").strip())
    request.http_body.data = visit.request.sent("text").encode()
    try:
        await visit.calls(row, request)
    except ApiError as error:
        return await yaml_form(visit, error.message)
    snapshots(visit).forget()
    return visit.go("queues", notice="applied")
