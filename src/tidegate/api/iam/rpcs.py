"""For each row of ``schema.iam`` a callable from request to response. Calls pass the same door as all others."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from operator import attrgetter
from typing import Any, Final, TypeAlias

from tidegate.api.door import FREE, Door, May
from tidegate.api.iam import accounts, explain, keys, policies
from tidegate.api.rpcs import Answer
from tidegate.core.access import Principal
from tidegate.core.access.names import IAM_SHAPES, IamGate
from tidegate.engine.engine import Engine
from tidegate.schema.iam import Iam
from tidegate.schema.rpc import Rpc

Handler: TypeAlias = Callable[[Engine, Any, Any, May], Awaitable[Any]]
"""Engine, raw request, the name by which the call is routed, and what its caller may."""

HANDLERS: Final[Mapping[str, Handler]] = {
    "get_project": policies.get_project,
    "get_project_policy": policies.get_policy,
    "set_project_policy": policies.set_policy,
    "test_project_permissions": policies.test_permissions,
    "get_server_policy": policies.get_policy,
    "set_server_policy": policies.set_policy,
    "who_am_i": explain.who_am_i,
    "explain_access": explain.explain_access,
    "list_service_accounts": accounts.list_accounts,
    "create_service_account": accounts.create_account,
    "get_service_account": accounts.get_account,
    "patch_service_account": accounts.patch_account,
    "delete_service_account": accounts.delete_account,
    "get_account_policy": policies.get_account_policy,
    "set_account_policy": policies.set_account_policy,
    "list_service_account_keys": keys.list_keys,
    "get_service_account_key": keys.get_key,
    "delete_service_account_key": keys.delete_key,
}

_VARIABLE = re.compile(r"\{([^=}]+)=([^}]+)\}")


def iam_answers(engine: Engine, door: Door | None, token_uri: str) -> dict[Rpc[Any, Any], Answer]:
    """Who answers the rows. Key files that are made say that tokens are to be had at ``token_uri``."""
    handlers = {**HANDLERS, "create_service_account_key": keys.key_maker(token_uri)}
    return {row: _answer(engine, row, handlers[row.name], door) for row in Iam.rpcs}


def _answer(engine: Engine, row: Rpc[Any, Any], handler: Handler, door: Door | None) -> Answer:
    assert row.http is not None  # noqa: S101 - all rows are REST's
    match = _VARIABLE.search(row.http.path)
    assert match is not None  # noqa: S101 - all rows are about something
    routing, gate = attrgetter(match[1]), IamGate(IAM_SHAPES[match[2]])

    def enter(request: Any) -> Any:
        return gate(routing(request))

    if door is not None:

        def inner(request: Any, name: Any, _call: Any, principal: Principal) -> Awaitable[Any]:
            return handler(engine, request, name, May(door, principal))

        return door.method(row, enter, inner)

    def answer(request: Any, call: Any = None) -> Awaitable[Any]:
        return handler(engine, request, enter(request), FREE)

    return answer
