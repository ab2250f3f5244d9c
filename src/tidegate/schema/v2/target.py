"""The target of a task and the request that is sent there, for one task and for a whole queue."""

from __future__ import annotations

from collections.abc import MutableMapping, MutableSequence

from tidegate.schema.declare import BYTES, INT64, STRING, Enum, Message, field, mapping, module, repeated

__protobuf__ = module(
    "tidegate.v2",
    "HttpMethod",
    "PathOverride",
    "QueryOverride",
    "UriOverride",
    "HttpTarget",
    "HttpRequest",
    "AppEngineHttpRequest",
    "AppEngineRouting",
    "OAuthToken",
    "OidcToken",
)


class HttpMethod(Enum):
    """The method of an attempt's request."""

    HTTP_METHOD_UNSPECIFIED = 0
    """POST; in a queue's ``http_target``: the task's own."""
    POST = 1
    GET = 2
    HEAD = 3
    PUT = 4
    DELETE = 5
    PATCH = 6
    OPTIONS = 7


class PathOverride(Message):
    """The path that replaces a task's."""

    path: str = field(STRING, 1)
    """Not checked; the message without a path replaces nothing."""


class QueryOverride(Message):
    """The query string that replaces a task's."""

    query_params: str = field(STRING, 1)
    """What follows the ``?``, such as ``a=1&b=2``; the message without it replaces nothing."""


class UriOverride(Message):
    """The parts of a task's URL that the queue replaces when it dispatches. A part that is not set stays the task's."""

    class Scheme(Enum):
        """The scheme of the URL."""

        SCHEME_UNSPECIFIED = 0
        """HTTPS."""
        HTTP = 1
        HTTPS = 2

    class UriOverrideEnforceMode(Enum):
        """Which tasks the parts are for."""

        URI_OVERRIDE_ENFORCE_MODE_UNSPECIFIED = 0
        """ALWAYS."""
        IF_NOT_EXISTS = 1
        """Tasks without a URL; others keep theirs whole."""
        ALWAYS = 2
        """Every task."""

    scheme: Scheme = field(Scheme, 1, optional=True)
    host: str = field(STRING, 2, optional=True)
    """A bare host, without scheme, port or path; never empty."""
    port: int = field(INT64, 3, optional=True)
    """0 takes the port away; never negative."""
    path_override: PathOverride = field(PathOverride, 4)
    query_override: QueryOverride = field(QueryOverride, 5)
    uri_override_enforce_mode: UriOverrideEnforceMode = field(UriOverrideEnforceMode, 6)


class OAuthToken(Message):
    """Send an OAuth access token as ``Authorization``: for Google APIs (``*.googleapis.com``)."""

    service_account_email: str = field(STRING, 1)
    """The account of the token; the caller must be allowed to act as it."""
    scope: str = field(STRING, 2)
    """``https://www.googleapis.com/auth/cloud-platform`` by default."""


class OidcToken(Message):
    """Send an OpenID Connect ID token as ``Authorization``: for handlers that check who calls."""

    service_account_email: str = field(STRING, 1)
    """The account of the token; the caller must be allowed to act as it."""
    audience: str = field(STRING, 2)
    """The audience of the token; the task's own URL by default."""


class HttpTarget(Message):
    """What a queue changes in its HTTP tasks when it dispatches them. Stored tasks stay as they are."""

    class Header(Message):
        """A header."""

        key: str = field(STRING, 1)
        value: str = field(STRING, 2)
        """May be empty."""

    class HeaderOverride(Message):
        """A header that every attempt carries."""

        header: HttpTarget.Header = field("HttpTarget.Header", 1)
        """An entry without one is dropped."""

    uri_override: UriOverride = field(UriOverride, 1)
    http_method: HttpMethod = field(HttpMethod, 2)
    """Replaces every task's method when set."""
    header_overrides: MutableSequence[HeaderOverride] = repeated(HeaderOverride, 3)
    """Take the place of a task's headers of the same names; together under 80 KB."""
    oauth_token: OAuthToken = field(OAuthToken, 5, oneof="authorization_header")
    """Replaces a task's token of either kind."""
    oidc_token: OidcToken = field(OidcToken, 6, oneof="authorization_header")
    """Replaces a task's token of either kind."""


class HttpRequest(Message):
    """What is sent to a URL. An answer from 200 to 299 is success."""

    url: str = field(STRING, 1)
    """Begins with ``http://`` or ``https://``; at most 2083 characters once percent-encoded."""
    http_method: HttpMethod = field(HttpMethod, 2)
    headers: MutableMapping[str, str] = mapping(STRING, STRING, 3)
    """Together under 80 KB. Some names belong to the server and are dropped: Host, Content-Length, User-Agent …"""
    body: bytes = field(BYTES, 4)
    """Only with POST, PUT and PATCH. Left out of the BASIC view."""
    oauth_token: OAuthToken = field(OAuthToken, 5, oneof="authorization_header")
    oidc_token: OidcToken = field(OidcToken, 6, oneof="authorization_header")


class AppEngineRouting(Message):
    """Which part of an App Engine application a task is for. Empty parts mean the default."""

    service: str = field(STRING, 1)
    version: str = field(STRING, 2)
    instance: str = field(STRING, 3)
    """For services with manual scaling only."""
    host: str = field(STRING, 4)
    """Set by the server from the other three and the project."""


class AppEngineHttpRequest(Message):
    """What is sent to an App Engine service. An answer from 200 to 299 is success; redirects are failures."""

    http_method: HttpMethod = field(HttpMethod, 1)
    app_engine_routing: AppEngineRouting = field(AppEngineRouting, 2)
    """Gives way to the queue's routing."""
    relative_uri: str = field(STRING, 3)
    """Path and query: begins with ``/``, no spaces, at most 2083 characters; empty means ``/``."""
    headers: MutableMapping[str, str] = mapping(STRING, STRING, 4)
    """Bounded by the size of the task alone."""
    body: bytes = field(BYTES, 5)
    """Only with POST and PUT. Left out of the BASIC view."""
