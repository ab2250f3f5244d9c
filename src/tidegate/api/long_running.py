"""Long-running operations as ``google.longrunning.Operation``."""

from __future__ import annotations

from typing import Any, Final

from google.longrunning.operations_proto_pb2 import Operation

from tidegate.api.times import put_moment
from tidegate.core.errors import Code
from tidegate.engine.long_running import Failure, LongRunning
from tidegate.schema.names import pack
from tidegate.schema.operator import BulkMetadata, BulkResult
from tidegate.schema.rpc import raw

_METADATA: Final = raw(BulkMetadata)
_RESULT: Final = raw(BulkResult)
_STATES: Final = {
    name: value.number for name, value in _METADATA.DESCRIPTOR.enum_types_by_name["State"].values_by_name.items()
}


def write_operation(operation: LongRunning) -> Operation:
    """The operation with its progress in the metadata and, once it has ended, its result or error."""
    written = Operation(name=operation.name, done=operation.done)
    written.metadata.CopyFrom(pack(write_metadata(operation)))
    if operation.error is not None:
        written.error.code = operation.error.code
        written.error.message = operation.error.message
    elif operation.done:
        progress = operation.progress
        result = _RESULT(matched=progress.matched, changed=progress.changed)
        for failure in operation.failures:
            _write_failure(failure, result.failures.add())
        written.response.CopyFrom(pack(result))
    return written


def counted(matched: int) -> Operation:
    """The answer of a call that only counts: an operation without a name that has ended and changed nothing."""
    operation = Operation(done=True)
    operation.response.CopyFrom(pack(_RESULT(matched=matched)))
    return operation


def write_metadata(operation: LongRunning) -> Any:
    """How far it is, as BulkMetadata."""
    progress = operation.progress
    metadata = _METADATA(
        target=operation.parent,
        verb=operation.kind,
        state=_STATES[_state(operation)],
        matched=progress.matched,
        changed=progress.changed,
        failed=progress.failed,
        progress_percent=_percent(operation),
    )
    put_moment(metadata.start_time, operation.start_time)
    if operation.end_time is not None:
        put_moment(metadata.end_time, operation.end_time)
    return metadata


def _state(operation: LongRunning) -> str:
    if not operation.done:
        return "RUNNING"
    if operation.error is not None:
        return "CANCELLED" if operation.error.code == Code.CANCELLED else "FAILED"
    return "PARTIALLY_SUCCEEDED" if operation.progress.failed else "SUCCEEDED"


def _percent(operation: LongRunning) -> int:
    progress = operation.progress
    if operation.done and operation.error is None:
        return 100
    if not progress.total:
        return 0
    return min(99, 100 * progress.scanned // progress.total)


def _write_failure(failure: Failure, into: Any) -> None:
    into.name = failure.name
    into.status.code = failure.code
    into.status.message = failure.message
