"""Batches: many tasks made or deleted in one call, each by itself (rpcs, Long-running operations).

The work is done during the call. The answer is an operation that has already ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from google.longrunning.operations_proto_pb2 import Operation
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.empty_pb2 import Empty

from tidegate.api.dialect import Dialect
from tidegate.api.pace import Pace
from tidegate.api.task_bytes import tag
from tidegate.api.times import put_moment
from tidegate.api.views import BASIC, FULL, read_view
from tidegate.core.errors import ApiError
from tidegate.core.names import OperationName, QueueName
from tidegate.core.task import Task
from tidegate.core.times import MICROSECOND
from tidegate.core.validation import (
    NewTask,
    NoDeleteSucceeded,
    check_create_batch,
    check_create_count,
    check_delete_batch,
    check_deleted_name,
    check_task,
)
from tidegate.engine.engine import Engine
from tidegate.engine.operations import Recorded
from tidegate.schema.names import pack, type_url

T = TypeVar("T")


HEAVY: Final = 512 * 1024
"""Bytes above which the tasks of a batch are read and stored in parts, with pauses."""
SHOWN_BODIES_MAX: Final = 4 * 1024 * 1024
"""Bytes of bodies that the operation of one batch shows and keeps. Further tasks are shown in the BASIC view, which
their ``view`` says, whatever view was asked for."""


async def batch_create_tasks(engine: Engine, dialect: Dialect, request: Any, parent: QueueName) -> Any:
    check_create_count(len(request.requests))
    batch = Batch(engine, dialect.messages.BatchCreateTasksMetadata, parent, request.request_id)
    creates = _Creates(dialect, request, parent, batch)
    size = creates.size()
    if size <= HEAVY:
        return await engine.tasks.create_batch(
            parent, creates.read, size, batch.recorded(creates.told), push_only=dialect.push_only
        )
    wanted, sizes = await creates.read_in_pieces()
    del request
    return await engine.tasks.create_heavy_batch(
        parent, wanted, sizes, batch.recorded(creates.told), push_only=dialect.push_only
    )


class _Creates:
    """The tasks of a BatchCreateTasks request, which are read in the transaction that stores them."""

    def __init__(self, dialect: Dialect, request: Any, parent: QueueName, batch: Batch) -> None:
        self._dialect = dialect
        self._request = request
        self._parent = parent
        self._batch = batch
        self._views: list[int] = []

    def size(self) -> int:
        """The bytes of the entries. Counting ends once they are more than ``HEAVY``."""
        size = 0
        for entry in self._request.requests:
            size += entry.ByteSize()
            if size > HEAVY:
                break
        return size

    def read(self) -> list[NewTask | ApiError]:
        return [self._read(task) for task in self._checked()]

    async def read_in_pieces(self) -> tuple[list[NewTask | ApiError], list[int]]:
        """The tasks, or the error of each, and the bytes of each task."""
        wanted: list[NewTask | ApiError] = []
        sizes: list[int] = []
        pace = Pace()
        for task in self._checked():
            wanted.append(self._read(task))
            sizes.append(task.ByteSize())
            await pace.step()
        self._request = None  # which may be a hundred megabytes
        return wanted, sizes

    def _checked(self) -> list[Any]:
        """The tasks as they were sent. Raises InvalidArgument when the batch as a whole breaks a rule."""
        entries = list(self._request.requests)  # each access to a message takes time
        sent = [entry.task for entry in entries]
        self._views = [read_view(entry.response_view) for entry in entries]
        parents, names = [entry.parent for entry in entries], [task.name for task in sent]
        check_create_batch(self._parent, parents, names, self._request.request_id)
        return sent

    def _read(self, task: Any) -> NewTask | ApiError:
        try:
            return check_task(self._dialect.read_task(task), self._parent, self._batch.started, in_batch=True)
        except ApiError as error:
            return error

    def told(self, outcomes: Sequence[Task | ApiError]) -> bytes:
        """The serialised operation, with the outcome of each entry."""
        stored: list[tuple[Task, int]] = []
        left = SHOWN_BODIES_MAX
        for task, view in zip(outcomes, self._views, strict=True):
            if isinstance(task, Task):
                if view == FULL:
                    left -= len(task.body)
                stored.append((task, view if left >= 0 or view != FULL else BASIC))
        failed: dict[int, ApiError] = {}
        if len(stored) < len(outcomes):
            failed = {index: outcome for index, outcome in enumerate(outcomes) if isinstance(outcome, ApiError)}
        # When all entries failed, the operation has neither a response nor an error. Its metadata has the failures.
        result: AnyMessage | None = None
        if stored:
            response = self._dialect.messages.BatchCreateTasksResponse.DESCRIPTOR
            tasks = tag(response.fields_by_name["tasks"].number)
            result = AnyMessage(type_url=type_url(response), value=self._dialect.task_bytes.repeated(tasks, stored))
        return self._batch.told(failed, len(outcomes), result, all_failed="FAILED")


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

    return await engine.tasks.delete_batch(
        parent, list(wanted.values()), batch.recorded(told), push_only=dialect.push_only
    )


class Batch:
    """A batch and the operation that reports it. ``metadata`` is the class of the operation's metadata."""

    def __init__(self, engine: Engine, metadata: Any, parent: QueueName, request_id: str) -> None:
        self._clock = engine.clock
        self._new_metadata = metadata
        self.started = engine.clock.now()
        self._fresh = not request_id
        self._name = OperationName(f"{parent.parent}/operations/{request_id or engine.ids.operation_id()}")

    def recorded(self, told: Callable[[Sequence[T]], bytes]) -> Recorded[T]:
        """The operation to be kept. ``told`` makes its serialised message of the outcomes."""
        return Recorded(self._name, told, self._fresh, self._begun)

    def _begun(self) -> bytes:
        """The serialised operation while it runs."""
        metadata = self._new_metadata()
        put_moment(metadata.start_time, self.started)
        metadata.state = metadata.DESCRIPTOR.enum_types_by_name["State"].values_by_name["RUNNING"].number
        operation = Operation(name=self._name)
        operation.metadata.CopyFrom(pack(metadata))
        value: bytes = operation.SerializeToString()
        return value

    def told(
        self, failed: Mapping[int, ApiError], total: int, result: AnyMessage | ApiError | None, *, all_failed: str
    ) -> bytes:
        """The serialised operation after its end. ``result`` is a packed message, an error or None."""
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
        operation = Operation(name=self._name, done=True)
        operation.metadata.CopyFrom(pack(metadata))
        if isinstance(result, ApiError):
            operation.error.code = result.code
            operation.error.message = result.message
        elif result is not None:
            operation.response.CopyFrom(result)
        value: bytes = operation.SerializeToString()
        return value
