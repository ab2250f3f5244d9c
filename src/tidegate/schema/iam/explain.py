"""Who calls, and why something is allowed. Google has no such calls in this form."""

from __future__ import annotations

from collections.abc import MutableSequence

from tidegate.schema.declare import BOOL, STRING, Message, field, module, repeated

__protobuf__ = module(
    "tidegate.iam.v1",
    "WhoAmIRequest",
    "WhoAmIResponse",
    "ExplainAccessRequest",
    "GrantingBinding",
    "ExplainAccessResponse",
)


class WhoAmIRequest(Message):
    """Asks who makes this call."""

    name: str = field(STRING, 1)
    """``server``."""
    resource: str = field(STRING, 2)
    """The resource for which permissions are listed; the server if it is empty."""


class WhoAmIResponse(Message):
    """The caller."""

    member: str = field(STRING, 1)
    """Empty where access is not checked."""
    groups: MutableSequence[str] = repeated(STRING, 2)
    """All members of policies that mean the caller."""
    permissions: MutableSequence[str] = repeated(STRING, 3)


class ExplainAccessRequest(Message):
    """Asks whether a member has a permission on a resource, and why."""

    name: str = field(STRING, 1)
    """``server``."""
    permission: str = field(STRING, 2)
    resource: str = field(STRING, 3)
    """``server``, or the name of a project, queue, task or service account."""
    member: str = field(STRING, 4)
    """The caller, if it is empty. Of other members no groups are known."""


class GrantingBinding(Message):
    """A binding that gives the permission."""

    resource: str = field(STRING, 1)
    role: str = field(STRING, 2)
    """``admin`` for the setting."""
    member: str = field(STRING, 3)


class ExplainAccessResponse(Message):
    """The decision."""

    member: str = field(STRING, 1)
    allowed: bool = field(BOOL, 2)
    bindings: MutableSequence[GrantingBinding] = repeated(GrantingBinding, 3)
    """The bindings that grant the permission."""
    roles: MutableSequence[str] = repeated(STRING, 4)
    """Roles that include the permission, the narrowest first."""
    resources: MutableSequence[str] = repeated(STRING, 5)
    """The resources whose policies are checked."""
