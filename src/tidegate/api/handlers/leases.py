"""Leases of pull tasks, in v2beta2 only: lease, acknowledge, renew, cancel."""

from __future__ import annotations

from typing import Any

from tidegate.api.dialect import Dialect
from tidegate.api.pace import Pace
from tidegate.api.task_bytes import EMPTY, block, tag
from tidegate.api.times import read_duration
from tidegate.api.views import read_view
from tidegate.core.lease import Held, held_time, lease_size, lease_span, read_filter
from tidegate.core.names import QueueName, TaskName
from tidegate.core.times import Duration
from tidegate.engine.engine import Engine


async def lease_tasks(engine: Engine, dialect: Dialect, request: Any, parent: QueueName) -> Any:
    limit = lease_size(request.max_tasks)
    span = lease_span(_duration(request), "LeaseTasksRequest")
    tasks = await engine.leases.lease(parent, read_filter(request.filter), limit, span)
    view = read_view(request.response_view)
    written, pace = [], Pace()
    field = tag(dialect.messages.LeaseTasksResponse.DESCRIPTOR.fields_by_name["tasks"].number)
    for task in tasks:
        written.append(block(field, dialect.task_bytes(task, view)))
        if pace.due:
            await pace.step()
    return b"".join(written)


async def acknowledge_task(engine: Engine, dialect: Dialect, request: Any, name: TaskName) -> Any:
    await engine.leases.acknowledge(name, _held(request, "AcknowledgeTaskRequest"))
    return EMPTY


async def renew_lease(engine: Engine, dialect: Dialect, request: Any, name: TaskName) -> Any:
    span = lease_span(_duration(request), "RenewLeaseRequest")
    task = await engine.leases.renew(name, _held(request, "RenewLeaseRequest"), span)
    return dialect.write_task(task, read_view(request.response_view), dialect.messages.Task())


async def cancel_lease(engine: Engine, dialect: Dialect, request: Any, name: TaskName) -> Any:
    task = await engine.leases.cancel(name, _held(request, "CancelLeaseRequest"))
    return dialect.write_task(task, read_view(request.response_view), dialect.messages.Task())


def _duration(request: Any) -> Duration | None:
    return read_duration(request.lease_duration) if request.HasField("lease_duration") else None


def _held(request: Any, message: str) -> Held:
    sent = request.schedule_time
    return held_time((sent.seconds, sent.nanos) if request.HasField("schedule_time") else None, message)
