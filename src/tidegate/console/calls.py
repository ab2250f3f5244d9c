"""Calls of the API in process, through the same door as every other call."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from tidegate.api.operator import OperatorApi
from tidegate.api.rpcs import Api
from tidegate.schema.operator import Operator
from tidegate.schema.rpc import Rpc
from tidegate.servers.call import Call, Scope


class Calls:
    """Cloud Tasks and the operator's service on behalf of one request, whose headers say who asks.

    queue = await calls(CloudTasks.get_queue, name=name)
    """

    def __init__(self, api: Api, operator: OperatorApi, scope: Scope) -> None:
        self._api = api
        self._operator = operator
        self._call = Call(scope, None)

    def as_if(self, scope: Scope) -> Calls:
        """The same on behalf of another request."""
        return Calls(self._api, self._operator, scope)

    async def __call__(self, row: Rpc[Any, Any], request: Any = None, /, **fields: Any) -> Any:
        """The raw response to ``request``, or to one with these fields. Raises ApiError."""
        message = row.request_pb(**fields) if request is None else request
        api = self._operator if row.service == Operator.name else self._api
        return await api.method(row)(message, self._call)

    async def stream(self, row: Rpc[Any, Any], request: Any) -> AsyncGenerator[Any, None]:
        """The raw responses of a method that streams. Raises ApiError, now or on the way."""
        return await self._operator.stream(row)(request, self._call)
