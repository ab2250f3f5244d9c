"""Messages and enums, part of ``types``."""

from tidegate.schema.v2beta2.target import (
    AppEngineHttpRequest,
    AppEngineHttpTarget,
    AppEngineRouting,
    HttpMethod,
    HttpRequest,
    HttpTarget,
    OAuthToken,
    OidcToken,
    PathOverride,
    PullMessage,
    PullTarget,
    QueryOverride,
    UriOverride,
)

__all__ = [
    "AppEngineHttpRequest",
    "AppEngineHttpTarget",
    "AppEngineRouting",
    "HttpMethod",
    "HttpRequest",
    "HttpTarget",
    "OAuthToken",
    "OidcToken",
    "PathOverride",
    "PullMessage",
    "PullTarget",
    "QueryOverride",
    "UriOverride",
]
