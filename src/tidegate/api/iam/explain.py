"""Who calls, and why something is allowed."""

from __future__ import annotations

from typing import Any, Final

from tidegate.api.door import May
from tidegate.core.access import SERVER, Principal, lineage, queue_of
from tidegate.core.access.permissions import ALL, EXPLAIN_ACCESS
from tidegate.core.access.refusals import credentials_missing
from tidegate.core.access.resources import account_name
from tidegate.core.errors import FailedPrecondition, InvalidArgument
from tidegate.core.policy import is_member
from tidegate.engine.engine import Engine
from tidegate.schema import iam
from tidegate.schema.iam import Iam
from tidegate.schema.rpc import raw

_Me: Final = raw(iam.WhoAmIResponse)
_Explained: Final = raw(iam.ExplainAccessResponse)


async def who_am_i(engine: Engine, request: Any, name: str, may: May) -> Any:
    principal = _known(may, Iam.who_am_i.full_name)
    if principal is None:
        return _Me(permissions=sorted(ALL))
    held = may.permissions(request.resource or SERVER)
    return _Me(member=principal.member, groups=sorted(principal.groups), permissions=sorted(held))


async def explain_access(engine: Engine, request: Any, name: str, may: May) -> Any:
    """The caller's own access is explained to everyone who is known, that of others with a permission."""
    principal = _known(may, Iam.explain_access.full_name)
    if principal is None:
        raise FailedPrecondition("Access is not checked: everything is allowed. Start the server with --access.")
    if request.permission not in ALL:
        raise InvalidArgument(f"Permission {request.permission[:100]} is not known here.")
    resource = _resource(request.resource)
    if request.member and request.member != principal.member:
        may(EXPLAIN_ACCESS, resource)
        if not is_member(request.member):
            raise InvalidArgument(f"The member {request.member[:100]} is of an unknown type.")
        principal = Principal(request.member)
    answer = _Explained(member=principal.member, resources=lineage(resource))
    for at, role, member in may.because(principal, request.permission, resource):
        answer.bindings.add(resource=at, role=role, member=member)
    answer.allowed = bool(answer.bindings)
    answer.roles.extend(may.roles_holding(request.permission))
    return answer


def _known(may: May, method: str) -> Principal | None:
    """Who calls; None where access is not checked. Raises Unauthenticated for a call without credentials."""
    principal = may.principal
    if principal is not None and not principal.known:
        raise credentials_missing(method)
    return principal


def _resource(text: str) -> str:
    """The resource that a text means: a name, or the email of a service account."""
    return account_name(text) if "@" in text and "/" not in text else queue_of(text)
