"""The audit log as lines of JSON, in the shape of Cloud Audit Logs: what reads those reads these."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from tidegate.api.audit import POLICY, Entry
from tidegate.core.access.refusals import SERVICE
from tidegate.core.errors import Code
from tidegate.core.time_text import rfc3339

TYPE: Final = "type.googleapis.com/google.cloud.audit.AuditLog"
_EMAILS: Final = ("user:", "serviceAccount:")


def line_writer(write: Callable[[bytes], None]) -> Callable[[Entry], None]:
    """What writes entries as lines."""

    def put(entry: Entry) -> None:
        write(msgspec.json.encode(entry_of(entry)) + b"\n")

    return put


def entry_of(entry: Entry) -> dict[str, Any]:
    """A log entry of plain data."""
    parts = entry.resource.split("/")
    project = parts[1] if parts[0] == "projects" and len(parts) > 1 else ""
    owner = f"projects/{project}" if project else "tidegate"
    return {
        "timestamp": rfc3339(entry.time),
        "severity": "ERROR" if entry.log == POLICY or entry.code is not Code.OK else "NOTICE",
        "logName": f"{owner}/logs/cloudaudit.googleapis.com%2F{entry.log}",
        "resource": _resource(parts, project),
        "protoPayload": {
            "@type": TYPE,
            "serviceName": SERVICE,
            "methodName": entry.method,
            "resourceName": entry.resource,
            "authenticationInfo": _caller(entry.member),
            "authorizationInfo": [
                {"permission": entry.permission, "granted": entry.granted, "resource": entry.resource}
            ],
            "requestMetadata": {"callerIp": entry.address},
            "status": {} if entry.code is Code.OK else {"code": int(entry.code), "message": entry.message},
        },
    }


def _caller(member: str) -> dict[str, str]:
    kind, _, email = member.partition(":")
    if f"{kind}:" in _EMAILS:
        return {"principalEmail": email, "principalSubject": member}
    return {"principalSubject": member} if member else {}


def _resource(parts: list[str], project: str) -> dict[str, Any]:
    if len(parts) >= 6 and parts[4] == "queues":
        labels = {"project_id": project, "location": parts[3], "queue_id": parts[5]}
        return {"type": "cloud_tasks_queue", "labels": labels}
    return {"type": "project", "labels": {"project_id": project}} if project else {"type": "global", "labels": {}}
