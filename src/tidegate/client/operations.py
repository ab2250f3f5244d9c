"""Long-running operations as futures of google-api-core, with our messages as their results.

An operation names the type of its result by Google's name, and google-api-core looks for a class of that name. So the
future keeps the operation with our type names, and shows it with Google's.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from google.api_core import operation, operation_async
from google.longrunning.operations_proto_pb2 import Operation as OperationMessage

from tidegate.schema.names import GOOGLES, OPERATORS, OURS, TYPE_URL
from tidegate.schema.rpc import LongRunning, Rpc


class Operation(operation.Operation):  # type: ignore[misc, unused-ignore]  # untyped
    """A batch under way, or done."""

    @property
    def operation(self) -> OperationMessage:
        """The latest state, as it came."""
        return _renamed(super().operation, OURS, GOOGLES)


class AsyncOperation(operation_async.AsyncOperation):  # type: ignore[misc, unused-ignore]  # untyped
    """A batch under way, or done."""

    @property
    def operation(self) -> OperationMessage:
        """The latest state, as it came."""
        return _renamed(super().operation, OURS, GOOGLES)


def future(answer: Any, row: Rpc[Any, Any], operations: Any) -> Operation:
    """The future of an answer. ``operations`` is the client that asks for its later states."""
    kind = _kind(row)

    def refresh(**options: Any) -> OperationMessage:
        return _ours(operations.get_operation(answer.name, **options))

    cancel: Callable[[], Any] = functools.partial(operations.cancel_operation, answer.name)
    return Operation(_ours(answer), refresh, cancel, kind.response, metadata_type=kind.metadata)


def async_future(answer: Any, row: Rpc[Any, Any], operations: Any) -> AsyncOperation:
    """The same to be awaited."""
    kind = _kind(row)

    async def refresh(**options: Any) -> OperationMessage:
        return _ours(await operations.get_operation(answer.name, **options))

    cancel: Callable[[], Any] = functools.partial(operations.cancel_operation, answer.name)
    return AsyncOperation(_ours(answer), refresh, cancel, kind.response, metadata_type=kind.metadata)


def _kind(row: Rpc[Any, Any]) -> LongRunning:
    if row.long_running is None:
        raise TypeError(f"{row.rpc_name} answers no operation")
    return row.long_running


def _ours(answer: OperationMessage) -> OperationMessage:
    return _renamed(answer, GOOGLES, OURS)


def _renamed(answer: OperationMessage, old: str, new: str) -> OperationMessage:
    """A copy, its types under other names."""
    copy = OperationMessage()
    copy.CopyFrom(answer)
    for packed in (copy.metadata if copy.HasField("metadata") else None, _response(copy)):
        if packed is None or packed.type_url.startswith(TYPE_URL + OPERATORS):
            continue  # the operator's messages have one name
        if packed.type_url.startswith(TYPE_URL + old):
            packed.type_url = TYPE_URL + new + packed.type_url.removeprefix(TYPE_URL + old)
    return copy


def _response(answer: OperationMessage) -> Any:
    return answer.response if answer.HasField("response") else None
