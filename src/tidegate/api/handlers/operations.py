"""Operations: the outcome of a batch, kept for a day."""

from __future__ import annotations

from typing import Any

from google.longrunning.operations_proto_pb2 import Operation

from tidegate.api.dialect import Dialect
from tidegate.core.names import OperationName
from tidegate.engine.engine import Engine


async def get_operation(engine: Engine, dialect: Dialect, request: Any, name: OperationName) -> Any:
    return Operation.FromString(await engine.operations.get(name))
