"""Who may do what with a queue: its IAM policy, stored and returned.

Whoever calls these rules has looked the queue up first.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from tidegate.core.errors import Aborted, InvalidArgument

HIGHEST_VERSION: Final = 3
STORED_VERSION: Final = 1
CONDITIONAL_VERSION: Final = 3
"""The version of a policy with conditions."""

POLICY_MEMBERS_MAX: Final = 1500
"""The most bindings of a policy, and the most members of all of them, repeats counted. See google.iam.v1.Policy."""
TESTED_PERMISSIONS_MAX: Final = 100
"""Permissions that one TestIamPermissions call may ask about. Our choice."""

_ROLE: Final = re.compile(r"(?:(?:organizations|projects)/[^/]+/)?roles/[^/]+")
_BEFORE: Final = re.compile(r"""request\.time\s*<\s*timestamp\(\s*["']([^"']{1,40})["']\s*\)""")
_SHOWN: Final = 200
"""Characters of a refused condition that the error repeats."""
_MEMBER_PREFIXES: Final = ("user:", "serviceAccount:", "group:", "domain:", "principal:", "principalSet:", "deleted:")
_EVERYONE: Final = frozenset({"allUsers", "allAuthenticatedUsers"})

QUEUE_PERMISSIONS: Final = frozenset(
    {f"cloudtasks.queues.{verb}" for verb in ("delete", "get", "getIamPolicy", "pause", "purge")}
    | {f"cloudtasks.queues.{verb}" for verb in ("resume", "setIamPolicy", "update")}
    | {f"cloudtasks.tasks.{verb}" for verb in ("create", "delete", "fullView", "get", "list", "run")}
)
"""The permissions that mean something on a queue."""


class Binding(Struct, frozen=True, array_like=True):
    """A role and its members. ``conditional`` says that it has a condition, which is refused on queues.

    ``expression``, ``title`` and ``description`` are those of the condition. ``until`` is what the expression means:
    the binding grants nothing from then on.
    """

    role: str
    members: tuple[str, ...] = ()
    conditional: bool = False
    expression: str = ""
    title: str = ""
    description: str = ""
    until: datetime | None = None


class Policy(Struct, frozen=True, array_like=True):
    """A queue's policy. A request with an empty ``etag`` replaces the stored policy, whatever its etag is."""

    version: int = 0
    bindings: tuple[Binding, ...] = ()
    etag: bytes = b""


NO_POLICY: Final = Policy(etag=b"\x00\x20\x01")
"""The policy of a queue for which none was set."""


def settle_policy(
    sent: Policy, stored: Policy, etag: bytes, mask: Collection[str] | None = None, *, conditions: bool = False
) -> Policy:
    """The policy that replaces the stored one, with ``etag`` as its new etag. ``conditions`` says whether bindings may
    have some, which only limit their time.

    ``mask`` names the fields to change, by default ``bindings`` and ``etag``: without ``bindings`` the stored ones
    stay, without ``etag`` the last write wins.

    Raises:
        InvalidArgument: The version, a condition, a role or a member is not allowed.
        Aborted: The policy was changed since its etag was read.
    """
    check_policy(sent, conditions=conditions)
    named = {"bindings", "etag"} if mask is None else mask
    if sent.etag and "etag" in named and sent.etag != stored.etag:
        raise Aborted(
            "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff. "
            f"The request's ETag '{_readable(sent.etag)}' did not match the current policy's ETag "
            f"'{_readable(stored.etag)}'."
        )
    bindings = merged_bindings(sent.bindings) if "bindings" in named else stored.bindings
    version = CONDITIONAL_VERSION if any(each.conditional for each in bindings) else STORED_VERSION
    return Policy(version, bindings, etag)


def check_policy(sent: Policy, *, conditions: bool = False) -> None:
    """Check a policy as it was sent, without the stored one."""
    if sent.version > HIGHEST_VERSION:
        raise InvalidArgument(
            f"Specified policy version ({sent.version}) is not supported. For more information, please refer to "
            "https://cloud.google.com/iam/help/allow-policies/versions."
        )
    if len(sent.bindings) > POLICY_MEMBERS_MAX or sum(len(each.members) for each in sent.bindings) > POLICY_MEMBERS_MAX:
        raise InvalidArgument(f"Policy.bindings can refer to up to {POLICY_MEMBERS_MAX} principals.")
    for binding in sent.bindings:
        if binding.conditional:
            if not conditions:
                raise InvalidArgument("Can't set conditional policy on this resource")
            if sent.version < CONDITIONAL_VERSION:
                raise InvalidArgument(
                    f"Policy.version must be {CONDITIONAL_VERSION} for a policy with conditions, not {sent.version}."
                )
            expires(binding.expression)
        if not is_role(binding.role):
            raise InvalidArgument(
                'The role name must be in the form "roles/{role}", "organizations/{organization_id}/roles/{role}", '
                'or "projects/{project_id}/roles/{role}".'
            )
        for member in binding.members:
            if not is_member(member):
                raise InvalidArgument(
                    f"The member {member} is of an unknown type. Please set a valid type prefix for the member."
                )


def is_role(text: str) -> bool:
    """Whether a text has the form of a role's name."""
    return _ROLE.fullmatch(text) is not None


def is_member(text: str) -> bool:
    """Whether a text has the form of a member."""
    return text in _EVERYONE or text.startswith(_MEMBER_PREFIXES)


def expires(expression: str) -> datetime:
    """When ``request.time < timestamp("2027-01-31T00:00:00Z")``, the one condition that is known, stops to hold.

    Raises InvalidArgument for any other.
    """
    match = _BEFORE.fullmatch(expression.strip())
    try:
        if match is not None:
            when = datetime.fromisoformat(match[1])
            if when.tzinfo is not None:
                return when.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise InvalidArgument(
        'Binding.condition.expression must be request.time < timestamp("YYYY-MM-DDTHH:MM:SSZ"), '
        f"not {expression[:_SHOWN]!r}."
    )


def merged_bindings(bindings: Iterable[Binding]) -> tuple[Binding, ...]:
    """The bindings in order of their roles: one for each role and condition, members once each, bindings without
    members left out.
    """
    members: dict[tuple[str, str], set[str]] = {}
    first: dict[tuple[str, str], Binding] = {}
    for binding in bindings:
        at = binding.role, binding.expression.strip() if binding.conditional else ""
        first.setdefault(at, binding)
        members.setdefault(at, set()).update(binding.members)
    return tuple(
        replace(first[at], members=tuple(sorted(who)), until=expires(at[1]) if at[1] else None)
        for at, who in sorted(members.items())
        if who
    )


def tested_permissions(asked: Sequence[str]) -> list[str]:
    """The permissions that TestIamPermissions asks about, sorted, repeats kept.

    Raises:
        InvalidArgument: The list is empty or too long, or a permission is ill-formed or not a queue's.
    """
    if not asked:
        raise InvalidArgument("At least one permission must be specified.")
    if len(asked) > TESTED_PERMISSIONS_MAX:
        raise InvalidArgument(f"At most {TESTED_PERMISSIONS_MAX} permissions can be tested, but got {len(asked)}.")
    for permission in asked:
        parts = permission.split(".")
        if len(parts) != 3 or not all(parts) or "*" in permission:
            raise InvalidArgument(f"The permission {permission} is invalid.")
        if permission not in QUEUE_PERMISSIONS:
            raise InvalidArgument(f"Permission {permission} is not valid for this resource.")
    return sorted(asked)


def _readable(etag: bytes) -> str:
    return "".join(chr(byte) if 0x20 <= byte <= 0x7E else f"\\{byte:03o}" for byte in etag)
