"""Many dead tasks at once: begun to be driven again or purged, or only counted."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import Any, Final

from tidegate.api.long_running import counted, write_operation
from tidegate.api.operator.dead_letters import dead_task_chooser, read_dead_id
from tidegate.api.operator.parts import Parts
from tidegate.api.times import read_duration
from tidegate.core.errors import InvalidArgument
from tidegate.core.names import QUEUE, QueueName
from tidegate.core.operator_names import DEAD_TASK, DeadTaskName
from tidegate.core.times import moment
from tidegate.core.validation.schedule import SCHEDULE_AHEAD_MAX, settled_schedule
from tidegate.core.validation.spans import checked_span
from tidegate.engine.redrive import DeadSelection
from tidegate.schema import operator
from tidegate.schema.rpc import raw

REDRIVE: Final = "RedriveDeadTasks"
PURGE: Final = "PurgeDeadTasks"

REQUESTS_KEPT: Final = 16
"""Requests of operations that are kept read: as many as make steps at the same time, and some."""

_REQUEST: Final = raw(operator.RedriveDeadTasksRequest)
"""Reads the requests of both operations, which are kept in its form."""


async def redrive_dead_tasks(parts: Parts, request: Any, parent: QueueName, call: Any) -> Any:
    """An operation that drives dead tasks into a queue again."""
    if request.names and request.filter:
        raise InvalidArgument("RedriveDeadTasksRequest cannot have names and a filter.")
    for name in request.names:
        _check_name(name, parent)
    if request.to_queue and QUEUE.parse(request.to_queue) is None:
        raise InvalidArgument(
            'RedriveDeadTasksRequest.toQueue must be formatted "projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/'
            f'<QUEUE_ID>", but is "{request.to_queue[:200]}".'
        )
    parts.may(call)("cloudtasks.tasks.create", request.to_queue or parent)
    now = parts.engine.clock.now()
    at = settled_schedule((request.at.seconds, request.at.nanos) if request.HasField("at") else None, now) or now
    longest = max(now + SCHEDULE_AHEAD_MAX - at, timedelta())  # so that none is due later than a task may be
    checked_span(read_duration(request.spread), "RedriveDeadTasksRequest.spread", longest)
    return await _begin(parts, REDRIVE, parent, request)


async def purge_dead_tasks(parts: Parts, request: Any, parent: QueueName, call: Any) -> Any:
    """An operation that deletes dead tasks."""
    return await _begin(parts, PURGE, parent, _REQUEST(filter=request.filter, validate_only=request.validate_only))


async def _begin(parts: Parts, kind: str, queue: QueueName, request: Any) -> Any:
    dead_task_chooser(request.filter)
    kept = request.SerializeToString(deterministic=True)
    if request.validate_only:
        return counted((await parts.engine.long_running.count(kind, queue, kept)).entries)
    return write_operation(await parts.engine.long_running.begin(kind, queue, kept))


@lru_cache(REQUESTS_KEPT)
def read_dead_selection(kept: bytes) -> DeadSelection:
    """Which dead tasks an operation is about, and what it does with them, from its request."""
    request = _REQUEST.FromString(kept)
    at = moment(request.at.seconds * 1_000_000 + request.at.nanos // 1000) if request.HasField("at") else None
    return DeadSelection(
        list(dict.fromkeys(read_dead_id(DeadTaskName(name)) for name in request.names)),
        dead_task_chooser(request.filter),
        QueueName(request.to_queue) if request.to_queue else None,
        at,
        read_duration(request.spread).timedelta(),
        request.keep_counts,
    )


def _check_name(name: str, queue: QueueName) -> None:
    parsed = DEAD_TASK.parse(name)
    if parsed is None or parsed.parent != queue:
        raise InvalidArgument(
            f'RedriveDeadTasksRequest.names must be dead tasks of the queue, "{queue}/deadTasks/<DEAD_TASK_ID>",'
            f' but one is "{name[:200]}".'
        )
    read_dead_id(parsed)
