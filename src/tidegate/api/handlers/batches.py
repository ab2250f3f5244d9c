"""Batches: many tasks made or deleted in one call, each by itself (rpcs, Long-running operations).

The work is done inside the call; what is answered is an operation that has ended already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from google.longrunning.operations_proto_pb2 import Operation
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.empty_pb2 import Empty

from tidegate.api.dialect import Dialect
from tidegate.api.handlers.tasks import read_view
from tidegate.api.task_bytes import block, tag
from tidegate.api.times import put_moment
from tidegate.core.errors import ApiError
from tidegate.core.names import OperationName, QueueName
from tidegate.core.task import Task
from tidegate.core.times import MICROSECOND
from tidegate.core.validation import (
    NewTask,
    NoDeleteSucceeded,
    check_create_batch,
    check_delete_batch,
    check_deleted_name,
    check_task,
)
from tidegate.engine.engine import Engine
from tidegate.engine.operations import Recorded
from tidegate.schema.names import pack, type_url


async def batch_create_tasks(engine: Engine, dialect: Dialect, request: Any, parent: QueueName) -> Any:
    entries = request.requests
    sent = [entry.task for entry in entries]  # each look into a message costs something
    check_create_batch(parent, [entry.parent for entry in entries], [task.name for task in sent], request.request_id)
    batch = Batch(engine, dialect.messages.BatchCreateTasksMetadata, parent, request.request_id)
    wanted: list[NewTask | ApiError] = []
    for task in sent:
        try:
            wanted.append(check_task(dialect.read_task(task), parent, batch.started, in_batch=True))
        except ApiError as error:
            wanted.append(error)

    views = [read_view(entry.response_view) for entry in entries]
    response = dialect.messages.BatchCreateTasksResponse.DESCRIPTOR
    tasks, task_bytes = tag(response.fields_by_name["tasks"].number), dialect.task_bytes

    def told(outcomes: Sequence[Task | ApiError]) -> bytes:
        made = [
            block(tasks, task_bytes(outcome, view))
            for outcome, view in zip(outcomes, views, strict=True)
            if isinstance(outcome, Task)
        ]
        failed: dict[int, ApiError] = {}
        if len(made) < len(outcomes):
            failed = {index: outcome for index, outcome in enumerate(outcomes) if isinstance(outcome, ApiError)}
        # When all have failed there is neither a response nor an error; the metadata says it.
        result = AnyMessage(type_url=type_url(response), value=b"".join(made)) if made else None
        return batch.told(failed, len(entries), result, all_failed="FAILED")

    operation = Recorded(batch.name, told)
    return await engine.tasks.create_batch(parent, wanted, operation, push_only=not dialect.shows_pull)


async def batch_delete_tasks(engine: Engine, dialect: Dialect, request: Any, parent: QueueName) -> Any:
    names = request.names
    check_delete_batch(names, request.request_id)
    batch = Batch(engine, dialect.messages.BatchDeleteTasksMetadata, parent, request.request_id)
    misnamed: dict[int, ApiError] = {}
    wanted: dict[int, str] = {}
    for index, name in enumerate(names):
        try:
            wanted[index] = check_deleted_name(name, parent).task
        except ApiError as error:
            misnamed[index] = error

    def told(outcomes: Sequence[ApiError | None]) -> bytes:
        failed = misnamed | {index: error for index, error in zip(wanted, outcomes, strict=True) if error is not None}
        response = NoDeleteSucceeded() if len(failed) == len(names) else pack(Empty())
        return batch.told(failed, len(names), response, all_failed="PARTIALLY_SUCCEEDED")

    task_ids, operation = list(wanted.values()), Recorded(batch.name, told)
    return await engine.tasks.delete_batch(parent, task_ids, operation, push_only=not dialect.shows_pull)


class Batch:
    """A batch on its way to being an operation; ``metadata`` is its message's class."""

    def __init__(self, engine: Engine, metadata: Any, parent: QueueName, request_id: str) -> None:
        self._clock = engine.clock
        self._new_metadata = metadata
        self.started = engine.clock.now()
        self.name = OperationName(f"{parent.parent}/operations/{request_id or engine.ids.operation_id()}")

    def told(
        self, failed: Mapping[int, ApiError], total: int, result: AnyMessage | ApiError | None, *, all_failed: str
    ) -> bytes:
        """The operation as it ended. ``result`` is a packed message, an error or None."""
        metadata = self._new_metadata()
        put_moment(metadata.start_time, self.started)
        put_moment(metadata.end_time, max(self._clock.now(), self.started + MICROSECOND))  # always after the start
        some_failed = all_failed if len(failed) == total else "PARTIALLY_SUCCEEDED"
        states = metadata.DESCRIPTOR.enum_types_by_name["State"].values_by_name
        metadata.state = states[some_failed if failed else "SUCCEEDED"].number
        for index, error in failed.items():
            status = metadata.failed_requests[index]
            status.code = error.code
            status.message = error.message
        operation = Operation(name=self.name, done=True)
        operation.metadata.CopyFrom(pack(metadata))
        if isinstance(result, ApiError):
            operation.error.code = result.code
            operation.error.message = result.message
        elif result is not None:
            operation.response.CopyFrom(result)
        value: bytes = operation.SerializeToString()
        return value
