"""Every permission that a call may need. Those of Cloud Tasks and IAM are Google's; ``tidegate.…`` are ours."""

from __future__ import annotations

from typing import Final


def _of(kind: str, verbs: str) -> frozenset[str]:
    return frozenset(f"{kind}.{verb}" for verb in verbs.split())


QUEUES: Final = _of("cloudtasks.queues", "create delete get getIamPolicy list pause purge resume setIamPolicy update")
TASKS: Final = _of("cloudtasks.tasks", "create delete fullView get list run")
LOCATIONS: Final = _of("cloudtasks.locations", "get list")
CMEK: Final = _of("cloudtasks.cmekConfig", "get update")
OPERATIONS: Final = _of("cloudtasks.operations", "get")
CLOUD_TASKS: Final = QUEUES | TASKS | LOCATIONS | CMEK | OPERATIONS
"""The 21 of Google's page of Cloud Tasks roles and permissions, 2026."""

OPERATOR_READS: Final = (
    _of("tidegate.attempts", "get list")
    | _of("tidegate.audit", "list")
    | _of("tidegate.clock", "get")
    | _of("tidegate.deadTasks", "get list")
    | _of("tidegate.events", "watch")
    | _of("tidegate.faults", "list")
    | _of("tidegate.operations", "get list")
    | _of("tidegate.metrics", "get")
    | _of("tidegate.queues", "getStatus")
    | _of("tidegate.server", "get")
    | _of("tidegate.tasks", "explain")
)
OPERATOR: Final = (
    OPERATOR_READS
    | _of("tidegate.clock", "update")
    | _of("tidegate.deadTasks", "delete redrive")
    | _of("tidegate.faults", "update")
    | _of("tidegate.operations", "cancel")
    | _of("tidegate.server", "reset update")
    | _of("tidegate.state", "export import")
    | _of("tidegate.tasks", "replay update")
)

PROJECT_POLICIES: Final = _of("resourcemanager.projects", "getIamPolicy setIamPolicy")
SERVER_POLICIES: Final = _of("tidegate.server", "getIamPolicy setIamPolicy")
EXPLAIN_ACCESS: Final = "tidegate.access.explain"
PROJECTS_GET: Final = "resourcemanager.projects.get"
ACT_AS: Final = "iam.serviceAccounts.actAs"
ACCOUNTS: Final = _of(
    "iam.serviceAccounts",
    "actAs create delete get getAccessToken getIamPolicy getOpenIdToken list setIamPolicy update",
)
ACCOUNT_KEYS: Final = _of("iam.serviceAccountKeys", "create delete get list")
ADMINISTRATION: Final = ACCOUNTS | ACCOUNT_KEYS | PROJECT_POLICIES | SERVER_POLICIES | {EXPLAIN_ACCESS, PROJECTS_GET}

ALL: Final = CLOUD_TASKS | OPERATOR | ADMINISTRATION
FULL_VIEW: Final = "cloudtasks.tasks.fullView"
QUEUES_CREATE: Final = "cloudtasks.queues.create"
METRICS_GET: Final = "tidegate.metrics.get"
SERVER_RESET: Final = "tidegate.server.reset"
