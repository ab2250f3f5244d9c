"""Operations: the outcome of a batch, kept for a day, and work that takes longer than a call."""

from __future__ import annotations

from typing import Any

from google.longrunning.operations_proto_pb2 import Operation

from tidegate.api.dialect import Dialect
from tidegate.api.long_running import write_operation
from tidegate.core.errors import NotFound
from tidegate.core.names import OperationName
from tidegate.engine.engine import Engine


async def get_operation(engine: Engine, dialect: Dialect, request: Any, name: OperationName) -> Any:
    """A batch, or what the operator's API has begun."""
    try:
        return Operation.FromString(await engine.operations.get(name))
    except NotFound:
        return write_operation(await engine.long_running.get(name))
