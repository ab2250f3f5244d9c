"""The whole document of an API version."""

from __future__ import annotations

from typing import Any

from tidegate.schema.declare import Message
from tidegate.schema.discovery.methods import SCOPE, DiscoveryMethod, method
from tidegate.schema.discovery.types import Json, Schemas
from tidegate.schema.versions import VERSIONS, rows


def discovery_document(version: str, root_url: str) -> Json:
    """The discovery document of ``v2``, ``v2beta2`` or ``v2beta3``, for the server at ``root_url``.

    Raises:
        KeyError: there is no such version.
    """
    described = _descriptions(version)
    schemas = Schemas(described)
    resources: Json = {}
    for row in rows(version):
        if row.http is not None:
            description = described.get(row.request_pb.DESCRIPTOR.full_name)
            _place(resources, method(row, row.http, schemas, description))
    root = root_url.rstrip("/") + "/"
    return {
        "kind": "discovery#restDescription",
        "discoveryVersion": "v1",
        "id": f"cloudtasks:{version}",
        "name": "cloudtasks",
        "canonicalName": "Cloud Tasks",
        "version": version,
        "version_module": True,
        "revision": "0",
        "title": "Cloud Tasks API",
        "description": "Task queues that push work to HTTP handlers or hand it to workers, served by Tidegate.",
        "ownerDomain": "google.com",  # clients make package and cache names of it
        "ownerName": "Google",
        "documentationLink": "https://cloud.google.com/tasks/",
        "protocol": "rest",
        "rootUrl": root,
        "mtlsRootUrl": root,
        "baseUrl": root,
        "basePath": "",
        "servicePath": "",
        "fullyEncodeReservedExpansion": True,
        "auth": {"oauth2": {"scopes": {SCOPE: {"description": "Everything in a project."}}}},
        "parameters": STANDARD_PARAMETERS,
        "schemas": schemas.document(),
        "resources": resources,
    }


def _descriptions(version: str) -> dict[str, str]:
    """The first paragraph that each of our classes says about itself."""
    module = VERSIONS[version]
    kinds = [getattr(module, name) for name in module.__all__]
    return {
        kind.pb().DESCRIPTOR.full_name: (kind.__doc__ or "").partition("\n\n")[0].replace("``", "`")
        for kind in kinds
        if isinstance(kind, type) and issubclass(kind, Message)
    }


def _place(resources: Json, found: DiscoveryMethod) -> None:
    """Put a method under its resources, making those that are not there yet."""
    holder: dict[str, Any] = {"resources": resources}
    for name in found.resources:
        holder = holder.setdefault("resources", {}).setdefault(name, {})
    holder.setdefault("methods", {})[found.name] = found.document


def _parameter(description: str, **more: Any) -> Json:
    return {"location": "query", "type": "string", "description": description, **more}


STANDARD_PARAMETERS: Json = {
    "$.xgafv": _parameter("Taken and ignored.", enum=["1", "2"], enumDescriptions=["Version 1.", "Version 2."]),
    "access_token": _parameter("A token, as in the Authorization header."),
    "alt": _parameter(
        "The form of the answer; only json is served.",
        default="json",
        enum=["json", "media", "proto"],
        enumDescriptions=["JSON.", "Not served.", "Not served."],
    ),
    "callback": _parameter("Taken and ignored."),
    "fields": _parameter("Which part of the answer to send."),
    "key": _parameter("An API key."),
    "oauth_token": _parameter("A token, as in the Authorization header."),
    "prettyPrint": _parameter("Whether to indent the answer.", type="boolean", default="true"),
    "quotaUser": _parameter("Taken and ignored."),
    "uploadType": _parameter("Taken and ignored."),
    "upload_protocol": _parameter("Taken and ignored."),
}
