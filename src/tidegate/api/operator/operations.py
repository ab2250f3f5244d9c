"""Long-running operations: listed, looked at, stopped."""

from __future__ import annotations

from typing import Any, Final

from google.longrunning.operations_proto_pb2 import ListOperationsResponse
from google.protobuf.empty_pb2 import Empty
from msgspec.structs import replace

from tidegate.api.fields import schema_of
from tidegate.api.long_running import write_metadata, write_operation
from tidegate.api.operator.parts import Parts
from tidegate.core.listing import FieldKind, FilterField, Schema, compile_filter, page_token, read_page_token
from tidegate.core.names import LocationName, OperationName
from tidegate.core.validation.paging import operations_page_size
from tidegate.schema.operator import BulkMetadata
from tidegate.schema.rpc import raw


def _of_metadata(field: FilterField) -> FilterField:
    read = field.read
    return replace(field, read=lambda pair: read(pair[1]))


_SCHEMA: Final[Schema] = {
    "name": FilterField(FieldKind.TEXT, lambda pair: pair[0].name),
    "done": FilterField(FieldKind.FLAG, lambda pair: pair[0].done),
    **{name: _of_metadata(field) for name, field in schema_of(raw(BulkMetadata).DESCRIPTOR).items()},
}
"""Filters see the operation and its metadata as one."""


async def list_operations(parts: Parts, request: Any, parent: LocationName, call: Any) -> Any:
    """Those of a location that run or ended within a day, by their IDs."""
    size, now = operations_page_size(request.page_size), parts.engine.clock.now()
    after = read_page_token(request.page_token, parent, request.filter, now)
    chooses = compile_filter(request.filter, _SCHEMA)
    response = ListOperationsResponse()
    while len(response.operations) < size:
        page = await parts.engine.long_running.list(parent, after, size)
        for each in page:
            after = OperationName(each.name).operation
            operation = write_operation(each)
            if chooses((operation, write_metadata(each))):
                response.operations.append(operation)
                if len(response.operations) == size:
                    response.next_page_token = page_token(after, parent, request.filter, now)
                    break
        if len(page) < size:
            break
    return response


async def get_operation(parts: Parts, request: Any, name: OperationName, call: Any) -> Any:
    return write_operation(await parts.engine.long_running.get(name))


async def cancel_operation(parts: Parts, request: Any, name: OperationName, call: Any) -> Any:
    await parts.engine.long_running.cancel(name)
    return Empty()
