"""Bulk changes of tasks: begun as long-running operations, or only counted."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any, Final

from tidegate.api.long_running import counted, write_operation
from tidegate.api.operator.parts import Parts
from tidegate.core.errors import InvalidArgument
from tidegate.core.names import QueueName, check_task_name
from tidegate.core.task_filter import task_chooser
from tidegate.core.times import moment
from tidegate.core.validation.schedule import settled_schedule
from tidegate.engine.bulk import Selection
from tidegate.schema.operator import BulkDeleteTasksRequest, BulkRescheduleTasksRequest
from tidegate.schema.rpc import raw

REQUESTS_KEPT: Final = 16
"""Requests of operations that are kept read: as many as make steps at the same time, and some."""

_REQUEST: Final = raw(BulkRescheduleTasksRequest)
_DELETE: Final = raw(BulkDeleteTasksRequest)
"""These read the requests of all bulk operations: their fields have the same numbers, and only one has ``at``, only
one ``shelve``, which the other does not see.
"""


async def _bulk(kind: str, parts: Parts, request: Any, queue: QueueName, call: Any) -> Any:
    _check(request, queue)
    if kind == "BulkRescheduleTasks" and request.HasField("at"):
        settled_schedule((request.at.seconds, request.at.nanos), parts.engine.clock.now())
    kept = request.SerializeToString(deterministic=True)
    if request.validate_only:
        return counted((await parts.engine.long_running.count(kind, queue, kept)).entries)
    return write_operation(await parts.engine.long_running.begin(kind, queue, kept))


bulk_delete_tasks = partial(_bulk, "BulkDeleteTasks")
bulk_run_tasks = partial(_bulk, "BulkRunTasks")
bulk_reschedule_tasks = partial(_bulk, "BulkRescheduleTasks")


def _check(request: Any, queue: QueueName) -> None:
    if bool(request.names) == bool(request.filter):
        raise InvalidArgument(
            'Either names or filter must be set, and not both. The filter "name:*" chooses every task.'
        )
    for name in request.names:
        check_task_name(name, queue)
    task_chooser(request.filter)


@lru_cache(REQUESTS_KEPT)
def read_selection(kept: bytes) -> Selection:
    """Which tasks an operation is about, from its request."""
    request = _REQUEST.FromString(kept)
    at = moment(request.at.seconds * 1_000_000 + request.at.nanos // 1000) if request.HasField("at") else None
    shelve = _DELETE.FromString(kept).shelve
    if request.names:
        task_ids = list(dict.fromkeys(name.rsplit("/", 1)[1] for name in request.names))
        return Selection(task_ids, at=at, shelve=shelve)
    return Selection(chooses=task_chooser(request.filter), at=at, shelve=shelve)
