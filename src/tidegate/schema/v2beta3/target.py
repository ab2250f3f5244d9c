"""The target of a task and the request that is sent there, for one task and for a whole queue.

``tidegate.schema.v2`` documents the fields; this module documents what differs.
"""

from __future__ import annotations

from collections.abc import MutableMapping, MutableSequence

from tidegate.schema.declare import BYTES, INT64, STRING, Enum, Message, field, mapping, module, repeated

__protobuf__ = module(
    "tidegate.v2beta3",
    "HttpMethod",
    "PullMessage",
    "PathOverride",
    "QueryOverride",
    "UriOverride",
    "HttpTarget",
    "HttpRequest",
    "AppEngineHttpQueue",
    "AppEngineHttpRequest",
    "AppEngineRouting",
    "OAuthToken",
    "OidcToken",
)


class HttpMethod(Enum):
    """The method of an attempt's request."""

    HTTP_METHOD_UNSPECIFIED = 0
    POST = 1
    GET = 2
    HEAD = 3
    PUT = 4
    DELETE = 5
    PATCH = 6
    OPTIONS = 7


class PullMessage(Message):
    """What a worker gets that leases the task; leasing itself is v2beta2's."""

    payload: bytes = field(BYTES, 1)
    """Left out of the BASIC view."""
    tag: str = field(STRING, 2)
    """A group of tasks that can be leased together; under 500 characters, cannot change."""


class PathOverride(Message):
    """The path that replaces a task's."""

    path: str = field(STRING, 1)


class QueryOverride(Message):
    """The query string that replaces a task's."""

    query_params: str = field(STRING, 1)


class UriOverride(Message):
    """The parts of a task's URL that the queue replaces when it dispatches. A part that is not set stays the task's."""

    class Scheme(Enum):
        """The scheme of the URL."""

        SCHEME_UNSPECIFIED = 0
        HTTP = 1
        HTTPS = 2

    class UriOverrideEnforceMode(Enum):
        """Which tasks the parts are for."""

        URI_OVERRIDE_ENFORCE_MODE_UNSPECIFIED = 0
        IF_NOT_EXISTS = 1
        ALWAYS = 2

    scheme: Scheme = field(Scheme, 1, optional=True)
    host: str = field(STRING, 2, optional=True)
    port: int = field(INT64, 3, optional=True)
    path_override: PathOverride = field(PathOverride, 4)
    query_override: QueryOverride = field(QueryOverride, 5)
    uri_override_enforce_mode: UriOverrideEnforceMode = field(UriOverrideEnforceMode, 6)


class OAuthToken(Message):
    """Send an OAuth access token as ``Authorization``: for Google APIs (``*.googleapis.com``)."""

    service_account_email: str = field(STRING, 1)
    scope: str = field(STRING, 2)


class OidcToken(Message):
    """Send an OpenID Connect ID token as ``Authorization``: for handlers that check who calls."""

    service_account_email: str = field(STRING, 1)
    audience: str = field(STRING, 2)


class HttpTarget(Message):
    """What a queue changes in its HTTP tasks when it dispatches them. Stored tasks stay as they are."""

    class Header(Message):
        """A header."""

        key: str = field(STRING, 1)
        value: str = field(STRING, 2)

    class HeaderOverride(Message):
        """A header that every attempt carries."""

        header: HttpTarget.Header = field("HttpTarget.Header", 1)

    uri_override: UriOverride = field(UriOverride, 1)
    http_method: HttpMethod = field(HttpMethod, 2)
    header_overrides: MutableSequence[HeaderOverride] = repeated(HeaderOverride, 3)
    oauth_token: OAuthToken = field(OAuthToken, 5, oneof="authorization_header")
    oidc_token: OidcToken = field(OidcToken, 6, oneof="authorization_header")


class HttpRequest(Message):
    """What is sent to a URL. An answer from 200 to 299 is success."""

    url: str = field(STRING, 1)
    http_method: HttpMethod = field(HttpMethod, 2)
    headers: MutableMapping[str, str] = mapping(STRING, STRING, 3)
    body: bytes = field(BYTES, 4)
    oauth_token: OAuthToken = field(OAuthToken, 5, oneof="authorization_header")
    oidc_token: OidcToken = field(OidcToken, 6, oneof="authorization_header")


class AppEngineRouting(Message):
    """Which part of an App Engine application a task is for. Empty parts mean the default."""

    service: str = field(STRING, 1)
    version: str = field(STRING, 2)
    instance: str = field(STRING, 3)
    host: str = field(STRING, 4)


class AppEngineHttpQueue(Message):
    """A queue's settings for App Engine tasks."""

    app_engine_routing_override: AppEngineRouting = field(AppEngineRouting, 1)
    """Where App Engine tasks go, in place of their own routing."""


class AppEngineHttpRequest(Message):
    """What is sent to an App Engine service. An answer from 200 to 299 is success; redirects are failures."""

    http_method: HttpMethod = field(HttpMethod, 1)
    app_engine_routing: AppEngineRouting = field(AppEngineRouting, 2)
    relative_uri: str = field(STRING, 3)
    headers: MutableMapping[str, str] = mapping(STRING, STRING, 4)
    body: bytes = field(BYTES, 5)
