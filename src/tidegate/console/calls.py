"""Calls of the API in process, through the same door as every other call."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from tidegate.api.operator import OperatorApi
from tidegate.api.rpcs import Api
from tidegate.console.sessions import Credential, with_token
from tidegate.schema.operator import Operator
from tidegate.schema.rpc import Rpc
from tidegate.servers.call import Call, OwnCall, Scope


class Calls:
    """Cloud Tasks and the operator's service on behalf of one request: of whoever the credential of its session stands
    for, without one of whoever its headers say.

    queue = await calls(CloudTasks.get_queue, name=name)
    """

    def __init__(self, api: Api, operator: OperatorApi, scope: Scope, credential: Credential | None = None) -> None:
        self._api = api
        self._operator = operator
        self._scope = scope
        self.call = _call(scope, credential)
        """What each of its calls is made with."""

    def as_if(self, credential: Credential) -> Calls:
        """The same on behalf of someone else."""
        return Calls(self._api, self._operator, self._scope, credential)

    async def __call__(self, row: Rpc[Any, Any], request: Any = None, /, **fields: Any) -> Any:
        """The raw response to ``request``, or to one with these fields. Raises ApiError."""
        message = row.request_pb(**fields) if request is None else request
        api = self._operator if row.service == Operator.name else self._api
        return await api.method(row)(message, self.call)

    async def stream(self, row: Rpc[Any, Any], request: Any) -> AsyncGenerator[Any, None]:
        """The raw responses of a method that streams. Raises ApiError, now or on the way."""
        return await self._operator.stream(row)(request, self.call)


def _call(scope: Scope, credential: Credential | None) -> Call | OwnCall:
    if credential is None:
        return Call(scope, None)
    return Call(with_token(scope, credential), None) if isinstance(credential, str) else OwnCall(credential, scope)
