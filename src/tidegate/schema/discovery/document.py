"""The whole document of an API version."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Any

from tidegate.schema import operator
from tidegate.schema.declare import Message
from tidegate.schema.discovery.methods import SCOPE, DiscoveryMethod, method
from tidegate.schema.discovery.types import Json, Schemas
from tidegate.schema.rpc import Rpc
from tidegate.schema.versions import VERSIONS, rows


def discovery_document(version: str, root_url: str) -> Json:
    """The discovery document of ``v2``, ``v2beta2`` or ``v2beta3``, for the server at ``root_url``.

    Raises:
        KeyError: there is no such version.
    """
    about: Json = {
        "id": f"cloudtasks:{version}",
        "name": "cloudtasks",
        "canonicalName": "Cloud Tasks",
        "version": version,
        "title": "Cloud Tasks API",
        "description": "Task queues that push work to HTTP handlers or hand it to workers, served by Tidegate.",
        "ownerDomain": "google.com",  # clients make package and cache names of it
        "ownerName": "Google",
        "documentationLink": "https://cloud.google.com/tasks/",
    }
    described = _descriptions(VERSIONS[version])
    return _document(about, rows(version), described, Schemas(described), root_url)


def operator_document(root_url: str) -> Json:
    """The discovery document of the operator's API, for the server at ``root_url``."""
    about: Json = {
        "id": "tidegate:v1",
        "name": "tidegate",
        "canonicalName": "Tidegate Operator",
        "version": "v1",
        "title": "Tidegate Operator API",
        "description": "What Cloud Tasks has no words for: attempts, dead letters, faults, a clock, events.",
        "ownerDomain": "tidegate.invalid",
        "ownerName": "Tidegate",
        "documentationLink": "",
    }
    described = _descriptions(operator)
    schemas = Schemas(described, operator.Server.pb().DESCRIPTOR.file.package)
    return _document(about, operator.Operator.rpcs, described, schemas, root_url)


def _document(
    about: Json, described_rows: Iterable[Rpc[Any, Any]], described: dict[str, str], schemas: Schemas, root_url: str
) -> Json:
    resources: Json = {}
    for row in described_rows:
        if row.http is not None:
            description = described.get(row.request_pb.DESCRIPTOR.full_name)
            _place(resources, method(row, row.http, schemas, description, about["name"]))
    root = root_url.rstrip("/") + "/"
    return {
        "kind": "discovery#restDescription",
        "discoveryVersion": "v1",
        **about,
        "version_module": True,
        "revision": "0",
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


def _descriptions(module: ModuleType) -> dict[str, str]:
    """The first paragraph that each of our classes says about itself."""
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
