"""The decision: whether a policy of a resource, or of one above it, gives a principal a permission."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from tidegate.core.access.members import Principal
from tidegate.core.access.resources import SERVER, lineage
from tidegate.core.access.roles import Roles
from tidegate.core.policy import Policy

OWNER: Final = "roles/owner"

Granted = dict[str, dict[str, frozenset[str]]]
"""Of each resource its members, of each member the permissions."""


class Grants:
    """Policies, made ready to be asked. ``admins`` are owners of the server whatever policies say."""

    def __init__(self, roles: Roles, admins: Iterable[str] = ()) -> None:
        self._roles = roles
        self._admins = dict.fromkeys(admins, roles.permissions(OWNER))
        self._granted: Granted = {}
        self._policies: dict[str, tuple[Policy, ...]] = {}
        self.good_until: datetime | None = None
        """When the next binding runs out that is limited in time; None for never."""

    def set(self, resource: str, policies: Iterable[Policy], now: datetime) -> None:
        """The policies of a resource from now on. Bindings whose time is over grant nothing."""
        kept = tuple(policies)
        if not kept:
            self._policies.pop(resource, None)
            self._granted.pop(resource, None)
            return
        self._policies[resource] = kept
        members: dict[str, frozenset[str]] = {}
        for binding in (binding for policy in kept for binding in policy.bindings):
            if binding.until is not None:
                if binding.until <= now:
                    continue
                self.good_until = binding.until if self.good_until is None else min(self.good_until, binding.until)
            permissions = self._roles.permissions(binding.role)
            for member in binding.members if permissions else ():
                members[member] = members.get(member, frozenset()) | permissions
        self._granted[resource] = members

    def set_all(self, policies: Mapping[str, Iterable[Policy]], now: datetime) -> None:
        """These policies, and no others."""
        self._granted.clear()
        self._policies.clear()
        self.good_until = None
        for resource, each in policies.items():
            self.set(resource, each, now)

    def renew(self, now: datetime) -> None:
        """Drop the bindings whose time is over."""
        self.set_all(dict(self._policies), now)

    def allows(self, principal: Principal, permission: str, resource: str) -> bool:
        """Whether the principal has the permission on the resource."""
        return any(permission in held for _, _, held in self._held(principal, resource))

    def permissions(self, principal: Principal, resource: str) -> frozenset[str]:
        """All that the principal may do on the resource."""
        held: frozenset[str] = frozenset()
        for _, _, each in self._held(principal, resource):
            held |= each
        return held

    def where(self, principal: Principal, permission: str) -> list[str]:
        """The resources of which the policy itself gives the principal the permission; the server first."""
        if self.allows(principal, permission, SERVER):
            return [SERVER]
        groups = principal.groups
        return sorted(
            at
            for at, members in self._granted.items()
            if any(permission in members[member] for member in groups & members.keys())
        )

    def because(self, principal: Principal, permission: str, resource: str) -> list[tuple[str, str, str]]:
        """Why it is allowed: resource, role and member of each binding that gives the permission. Empty: it is not.

        The setting ``admin`` shows as the role ``admin`` on the server.
        """
        found = [
            (at, binding.role, member)
            for at in lineage(resource)
            for policy in self._policies.get(at, ())
            for binding in policy.bindings
            if permission in self._roles.permissions(binding.role)
            for member in binding.members
            if member in principal.groups and permission in self._granted.get(at, {}).get(member, ())
        ]
        return [(SERVER, "admin", member) for member in self._admins if member in principal.groups] + found

    @property
    def has_admin(self) -> bool:
        """Whether someone can change the server's policy."""
        return bool(self._admins) or any(
            "tidegate.server.setIamPolicy" in held for held in self._granted.get(SERVER, {}).values()
        )

    def _held(self, principal: Principal, resource: str) -> Iterable[tuple[str, str, frozenset[str]]]:
        groups = principal.groups
        for member in groups & self._admins.keys():
            yield SERVER, member, self._admins[member]
        for at in lineage(resource):
            members = self._granted.get(at)
            if members:
                for member in groups & members.keys():
                    yield at, member, members[member]
