"""Messages and enums, part of ``types``."""

from tidegate.schema.v2.target import (
    AppEngineHttpRequest,
    AppEngineRouting,
    HttpMethod,
    HttpRequest,
    HttpTarget,
    OAuthToken,
    OidcToken,
    PathOverride,
    QueryOverride,
    UriOverride,
)

__all__ = [
    "AppEngineHttpRequest",
    "AppEngineRouting",
    "HttpMethod",
    "HttpRequest",
    "HttpTarget",
    "OAuthToken",
    "OidcToken",
    "PathOverride",
    "QueryOverride",
    "UriOverride",
]
