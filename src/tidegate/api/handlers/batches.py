"""Batches: many tasks made or deleted in one call, each by itself (rpcs, Long-running operations).

The work is done inside the call; what is answered is an operation that has ended already.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.longrunning.operations_pb2 import Operation
from google.protobuf.empty_pb2 import Empty

from tidegate.api.dialect import Dialect
from tidegate.api.handlers.tasks import read_view
from tidegate.api.times import put_moment
from tidegate.core.errors import ApiError
from tidegate.core.names import OperationName, QueueName
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
from tidegate.schema.names import pack


async def batch_create_tasks(engine: Engine, dialect: Dialect, request: Any, parent: QueueName) -> Any:
    entries = request.requests
    check_create_batch(parent, [(entry.parent, entry.task.name) for entry in entries], request.request_id)
    batch = Batch(engine, dialect.messages.BatchCreateTasksMetadata(), parent, request.request_id)
    await batch.begin()
    now = engine.clock.now()
    wanted: list[NewTask | ApiError] = []
    for entry in entries:
        try:
            wanted.append(check_task(dialect.read_task(entry.task), parent, now, in_batch=True))
        except ApiError as error:
            wanted.append(error)
    response = dialect.messages.BatchCreateTasksResponse()
    failed: dict[int, ApiError] = {}
    for index, outcome in enumerate(await engine.tasks.create_many(parent, wanted)):
        if isinstance(outcome, ApiError):
            failed[index] = outcome
        else:
            dialect.write_task(outcome, read_view(entries[index].response_view), response.tasks.add())
    # When all have failed there is neither a response nor an error; the metadata says it.
    return await batch.end(failed, len(entries), response if response.tasks else None, all_failed="FAILED")


async def batch_delete_tasks(engine: Engine, dialect: Dialect, request: Any, parent: QueueName) -> Any:
    names = request.names
    check_delete_batch(names, request.request_id)
    batch = Batch(engine, dialect.messages.BatchDeleteTasksMetadata(), parent, request.request_id)
    await batch.begin()
    failed: dict[int, ApiError] = {}
    wanted: dict[int, str] = {}
    for index, name in enumerate(names):
        try:
            wanted[index] = check_deleted_name(name, parent).task
        except ApiError as error:
            failed[index] = error
    outcomes = await engine.tasks.delete_many(parent, list(wanted.values()))
    failed |= {index: error for index, error in zip(wanted, outcomes, strict=True) if error is not None}
    response = NoDeleteSucceeded() if len(failed) == len(names) else Empty()
    return await batch.end(failed, len(names), response, all_failed="PARTIALLY_SUCCEEDED")


class Batch:
    """A batch on its way to being an operation."""

    def __init__(self, engine: Engine, metadata: Any, parent: QueueName, request_id: str) -> None:
        self._engine = engine
        self._metadata = metadata
        self._requested = bool(request_id)
        self.name = OperationName(f"{parent.parent}/operations/{request_id or engine.ids.operation_id()}")

    async def begin(self) -> None:
        """Take the operation's name, so that a repeat of the call finds it taken."""
        self._started = self._engine.clock.now()
        put_moment(self._metadata.start_time, self._started)
        self._metadata.state = self._state("RUNNING")
        if self._requested:
            await self._engine.operations.begin(self.name, self._operation().SerializeToString())

    async def end(self, failed: Mapping[int, ApiError], total: int, result: Any, *, all_failed: str) -> Operation:
        """The operation as it ended, kept for later. ``result`` is a message, an error or None."""
        metadata = self._metadata
        ended = max(self._engine.clock.now(), self._started + MICROSECOND)  # always after the start
        put_moment(metadata.end_time, ended)
        some_failed = all_failed if len(failed) == total else "PARTIALLY_SUCCEEDED"
        metadata.state = self._state(some_failed if failed else "SUCCEEDED")
        for index, error in failed.items():
            status = metadata.failed_requests[index]
            status.code = error.code
            status.message = error.message
        operation = self._operation()
        operation.done = True
        if isinstance(result, ApiError):
            operation.error.code = result.code
            operation.error.message = result.message
        elif result is not None:
            operation.response.CopyFrom(pack(result))
        await self._engine.operations.keep(self.name, operation.SerializeToString())
        return operation

    def _operation(self) -> Operation:
        operation = Operation(name=self.name)
        operation.metadata.CopyFrom(pack(self._metadata))
        return operation

    def _state(self, name: str) -> int:
        number: int = self._metadata.DESCRIPTOR.enum_types_by_name["State"].values_by_name[name].number
        return number
