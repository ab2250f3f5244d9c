"""Documents beside the API, each at its own path, for GET and HEAD. Everyone gets the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias
from urllib.parse import parse_qs

from msgspec import Struct

from tidegate.api.status import HTTP_STATUS, json_bytes, rest_error_body
from tidegate.core.errors import ApiError, NotFound
from tidegate.schema.discovery import discovery_document, operator_document
from tidegate.schema.versions import VERSIONS
from tidegate.servers.call import AsgiApp, Receive, Scope, Send
from tidegate.servers.mounts import READING, Mount
from tidegate.servers.respond import JSON, respond

DEFAULT_VERSION = "v2"
OPERATOR = "/discovery/v1/apis/tidegate/v1/rest"
"""Where the discovery document of the operator's API is."""
_ROOT = "http://root.invalid/"  # replaced by the host of each request


class Document(Struct, frozen=True):
    """A document and its content type."""

    body: bytes
    content_type: bytes = JSON


Page: TypeAlias = Callable[[Scope], Awaitable[Document]]
"""Makes a document for a request. May raise an ApiError."""


def page_mounts(pages: Mapping[str, Page]) -> list[Mount]:
    """Mounts for pages by their paths, which answer GET and HEAD."""
    return [Mount(path, _showing(page), READING) for path, page in pages.items()]


def _showing(page: Page) -> AsgiApp:
    async def show(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - the shape of ASGI
        try:
            document = await page(scope)
        except ApiError as error:
            await respond(scope["method"], send, HTTP_STATUS[error.code], rest_error_body(error))
        else:
            await respond(scope["method"], send, 200, document.body, document.content_type)

    return show


def discovery_pages() -> dict[str, Page]:
    """The discovery documents where clients look for them: ``/$discovery/rest?version=v2`` and the older place."""

    async def by_query(scope: Scope) -> Document:
        asked = parse_qs(scope["query_string"].decode("latin-1")).get("version", [DEFAULT_VERSION])
        return described(asked[-1], scope)

    def by_path(version: str) -> Page:
        async def page(scope: Scope) -> Document:
            return described(version, scope)

        return page

    documents: dict[str, bytes] = {}

    def described(version: str, scope: Scope) -> Document:
        if version not in VERSIONS:
            raise NotFound(f"There is no version {version!r} of this API, only {', '.join(VERSIONS)}.")
        if version not in documents:
            documents[version] = json_bytes(discovery_document(version, _ROOT))
        return Document(documents[version].replace(_ROOT.encode(), root_of(scope)))

    async def of_operator(scope: Scope) -> Document:
        if OPERATOR not in documents:
            documents[OPERATOR] = json_bytes(operator_document(_ROOT))
        return Document(documents[OPERATOR].replace(_ROOT.encode(), root_of(scope)))

    older = {f"/discovery/v1/apis/cloudtasks/{version}/rest": by_path(version) for version in VERSIONS}
    return {"/$discovery/rest": by_query, OPERATOR: of_operator, **older}


def root_of(scope: Scope) -> bytes:
    """The URL under which the caller reached this server, escaped for a JSON string."""
    host = dict(scope["headers"]).get(b"host", b"localhost").decode("latin-1")
    return json_bytes(f"{scope['scheme']}://{host}/", pretty=False)[1:-1]
