"""The gate that every call passes first: the name by which it is routed."""

from __future__ import annotations

import re
from typing import Any, Final, Generic, NoReturn

from msgspec import Struct

from tidegate.core.errors import (
    ApiError,
    ErrorInfo,
    Help,
    InvalidArgument,
    LocalizedMessage,
    PermissionDenied,
)
from tidegate.core.names import CMEK, LOCATION_ID, PROJECT_ID, Name, Shape, check_ids

SERVICE: Final = "cloudtasks.googleapis.com"

# What the service names instead of the call's own permission when a name has the wrong segments.
_SHOWN_PERMISSIONS: Final = {
    "GetOperation": "cloudtasks.operations.get",
    "GetIamPolicy": "cloudtasks.queues.list",
    "SetIamPolicy": "cloudtasks.queues.list",
    "TestIamPermissions": "cloudtasks.queues.list",
}


class ResourceGate(Struct, Generic[Name], frozen=True):
    """The first check of an RPC: the name by which a call is routed, taken apart.

    ``method`` is the full name, such as ``google.cloud.tasks.v2.CloudTasks.GetQueue``; ``permission`` the one that the
    call needs, for the texts.
    """

    method: str
    permission: str | None
    shape: Shape[Name]

    def __call__(self, name: str) -> Name:
        """The name; it is empty when the message that holds it is missing.

        Raises:
            InvalidArgument: The name is empty, an ID in it is ill-formed, or it is no CMEK config's.
            PermissionDenied: The name does not begin with ``projects/`` or has other segments than the call needs.
        """
        parsed = self.shape.parse(name)
        if parsed is None:
            _refuse(self.method, self.permission, name, self.shape)
        return parsed


def _refuse(method: str, permission: str | None, name: str, shape: Shape[Any]) -> NoReturn:
    if not name:
        info = ErrorInfo("RESOURCE_PROJECT_INVALID", "googleapis.com", {"method": method, "service": SERVICE})
        raise InvalidArgument("Invalid resource field value in the request.", info)
    if not name.startswith("projects/"):
        raise _no_such_project(name)
    if not shape.fits(name):
        if shape is CMEK:
            raise InvalidArgument(
                'CMEK Config name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/cmekConfig".'
            )
        shown = _SHOWN_PERMISSIONS.get(method.rpartition(".")[2], permission)
        raise _permission_denied(shown or "", name)
    segments = name.split("/")
    if not re.fullmatch(PROJECT_ID, segments[1]):
        raise _no_such_project(segments[1])
    if not re.fullmatch(LOCATION_ID, segments[3]):
        raise _unknown_location(segments[3])
    check_ids(segments)
    raise AssertionError(name)  # a name whose parts are all well-formed is parsed, so this is never reached


def _no_such_project(project: str) -> ApiError:
    text = f"Permission denied on resource project {project}."
    return PermissionDenied(
        text,
        ErrorInfo(
            "CONSUMER_INVALID",
            "googleapis.com",
            {"consumer": f"projects/{project}", "containerInfo": project, "service": SERVICE},
        ),
        LocalizedMessage("en-US", text),
        Help("Google developers console", "https://console.developers.google.com"),
    )


def _permission_denied(permission: str, resource: str) -> ApiError:
    """The caller lacks a permission on a resource, or there is no such resource: the service does not say which."""
    return PermissionDenied(
        f'The principal (user or service account) lacks IAM permission "{permission}" for the resource "{resource}" '
        "(or the resource may not exist)."
    )


def _unknown_location(location: str) -> ApiError:
    return InvalidArgument(f"Location '{location}' is not a valid location. Use ListLocations to list valid locations.")
