"""Roles: named sets of permissions. Google's own for Cloud Tasks, and those that an operator defines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tidegate.core.access import permissions
from tidegate.core.access.permissions import (
    ADMINISTRATION,
    ALL,
    CLOUD_TASKS,
    LOCATIONS,
    OPERATIONS,
    OPERATOR,
    OPERATOR_READS,
    PROJECT_POLICIES,
    PROJECTS_GET,
    QUEUES,
    SERVER_POLICIES,
    TASKS,
)

_IAM_OF_QUEUES: Final = {"cloudtasks.queues.getIamPolicy", "cloudtasks.queues.setIamPolicy"}
_KEY_GET: Final = "cloudtasks.cmekConfig.get"

_EDITOR: Final = (QUEUES - _IAM_OF_QUEUES) | TASKS | LOCATIONS | OPERATIONS | {_KEY_GET} | OPERATOR_READS
_VIEWER: Final = (
    LOCATIONS
    | OPERATIONS
    | OPERATOR_READS
    | {_KEY_GET, "cloudtasks.queues.get", "cloudtasks.queues.list"}
    | {"cloudtasks.tasks.fullView", "cloudtasks.tasks.get", "cloudtasks.tasks.list"}
)
_USES_ACCOUNTS: Final = frozenset({"iam.serviceAccounts.actAs", "iam.serviceAccounts.get", "iam.serviceAccounts.list"})
_REVIEWER: Final = frozenset(
    {
        "cloudtasks.locations.list",
        "cloudtasks.queues.getIamPolicy",
        "cloudtasks.queues.list",
        "cloudtasks.tasks.list",
        "iam.serviceAccounts.getIamPolicy",
        "iam.serviceAccounts.list",
        "resourcemanager.projects.getIamPolicy",
        "tidegate.server.getIamPolicy",
        permissions.EXPLAIN_ACCESS,
    }
)

ROLES: Final[Mapping[str, frozenset[str]]] = {
    "roles/cloudtasks.admin": CLOUD_TASKS | OPERATOR,
    "roles/cloudtasks.editor": _EDITOR,
    "roles/cloudtasks.viewer": _VIEWER,
    "roles/cloudtasks.enqueuer": frozenset(
        {"cloudtasks.operations.get", "cloudtasks.tasks.create", "cloudtasks.tasks.fullView"}
    ),
    "roles/cloudtasks.queueAdmin": LOCATIONS | QUEUES,
    "roles/cloudtasks.taskDeleter": frozenset({"cloudtasks.tasks.delete"}),
    "roles/cloudtasks.taskRunner": frozenset({"cloudtasks.tasks.fullView", "cloudtasks.tasks.run"}),
    "roles/owner": ALL,
    "roles/admin": ALL,
    "roles/editor": _EDITOR | _USES_ACCOUNTS | {PROJECTS_GET},
    "roles/writer": _EDITOR | _USES_ACCOUNTS | {PROJECTS_GET},
    "roles/viewer": _VIEWER | {PROJECTS_GET},
    "roles/reader": _VIEWER | {PROJECTS_GET},
    "roles/iam.serviceAccountUser": _USES_ACCOUNTS,
    "roles/iam.serviceAccountTokenCreator": frozenset(
        {"iam.serviceAccounts.getAccessToken", "iam.serviceAccounts.getOpenIdToken"}
    ),
    "roles/iam.serviceAccountAdmin": frozenset(
        permission for permission in ADMINISTRATION if permission.startswith("iam.serviceAccounts.")
    )
    - {"iam.serviceAccounts.actAs", "iam.serviceAccounts.getAccessToken", "iam.serviceAccounts.getOpenIdToken"},
    "roles/iam.serviceAccountKeyAdmin": permissions.ACCOUNT_KEYS
    | {"iam.serviceAccounts.get", "iam.serviceAccounts.list"},
    "roles/iam.securityReviewer": _REVIEWER,
    "roles/iam.securityAdmin": _REVIEWER
    | PROJECT_POLICIES
    | SERVER_POLICIES
    | {"cloudtasks.queues.setIamPolicy", "iam.serviceAccounts.setIamPolicy"},
}
"""The roles that every server knows, from Google's page of Cloud Tasks roles and permissions, 2026; the operator's
permissions were added to them by us."""


class Roles:
    """The roles of a server: ``ROLES``, and ``custom`` ones such as ``projects/P/roles/R``."""

    def __init__(self, custom: Mapping[str, frozenset[str]] | None = None) -> None:
        self._known = {**(custom or {}), **ROLES}

    def permissions(self, role: str) -> frozenset[str]:
        """What a role grants; nothing for one that nobody defined."""
        return self._known.get(role, frozenset())

    def holding(self, permission: str) -> list[str]:
        """The roles that grant a permission, the narrowest first."""
        found = [(len(held), role) for role, held in self._known.items() if permission in held]
        return [role for _, role in sorted(found)]
