"""What policies stand on: the server, a project, a queue, a service account; and which of them a name belongs to."""

from __future__ import annotations

from typing import Final

SERVER: Final = "server"
"""The name of the server as a resource."""

_ACCOUNT_SUFFIX: Final = ".iam.gserviceaccount.com"
_APP_SUFFIX: Final = "@appspot.gserviceaccount.com"


def queue_of(name: str) -> str:
    """The resource whose policy counts for a name: its queue, else its service account, its project, the server.

    ``projects/p/locations/l/queues/q/tasks/t`` gives the queue, ``projects/p/locations/l`` the project.
    """
    parts = name.split("/", 6)
    if parts[0] != "projects" or len(parts) < 2:
        return SERVER
    if len(parts) >= 6 and parts[4] == "queues":
        return "/".join(parts[:6])
    if len(parts) >= 4 and parts[2] == "serviceAccounts":
        return "/".join(parts[:4])
    return f"projects/{parts[1]}"


def lineage(resource: str) -> tuple[str, ...]:
    """A resource and those above it, whose policies count for it too: queue, project, server."""
    if not resource.startswith("projects/"):
        return (SERVER,) if resource in {"", SERVER} else (resource, SERVER)
    project = "/".join(resource.split("/", 2)[:2])
    return (project, SERVER) if resource == project else (resource, project, SERVER)


def account_name(email: str, project: str | None = None) -> str:
    """The resource of a service account. Without ``project`` it is read off the email; an email that names none gives
    a resource below the server alone.
    """
    project = project if project is not None else project_of(email)
    return f"projects/{project}/serviceAccounts/{email}" if project else f"serviceAccounts/{email}"


def project_of(email: str) -> str:
    """The project that the email of a service account names, empty for none: ``shop`` of
    ``mailer@shop.iam.gserviceaccount.com``, ``example.com:shop`` of ``…@shop.example.com.iam.gserviceaccount.com``.
    """
    if email.endswith(_APP_SUFFIX):
        return email.removesuffix(_APP_SUFFIX)
    if not email.endswith(_ACCOUNT_SUFFIX):
        return ""
    project, _, domain = email.removesuffix(_ACCOUNT_SUFFIX).rpartition("@")[2].partition(".")
    return f"{domain}:{project}" if domain else project
