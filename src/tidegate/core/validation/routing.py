"""Queue-level HTTP routing as sent."""

from __future__ import annotations

from typing import Final

from tidegate.core.errors import ErrorInfo, InvalidArgument
from tidegate.core.headers import HEADERS_MAX, refused_overrides, total_size
from tidegate.core.queue import EnforceMode, HttpMethod, HttpTarget, Scheme, UriOverride
from tidegate.core.urls import is_host
from tidegate.core.validation.tokens import check_token

_SCHEMES: Final = frozenset(Scheme)
_MODES: Final = frozenset(EnforceMode)
_METHODS: Final = frozenset(HttpMethod) | {0}  # 0 overrides nothing


def check_http_target(target: HttpTarget) -> None:
    """Check routing as it was sent: its URL parts, method, headers and token."""
    if target.http_method not in _METHODS:
        raise _unreadable("")
    if target.uri_override is not None:
        check_uri_override(target.uri_override)
    refused = refused_overrides(header.key for header in target.header_overrides)
    if refused:
        raise InvalidArgument(
            "Error in parsing HttpTarget.headers. Header name cannot be empty or start with reserved prefixes. "
            f"Invalid headers found: {', '.join(refused)}"
        )
    if total_size((header.key, header.value) for header in target.header_overrides) >= HEADERS_MAX:
        raise InvalidArgument("HttpTarget.headers must be less than 80 KB in total.")
    if target.token is not None:
        check_token(target.token)


def check_uri_override(override: UriOverride) -> None:
    """Check the URL parts that a queue replaces, as sent or after a mask was applied."""
    if override.scheme not in _SCHEMES and override.scheme is not None:
        raise _unreadable("")
    if override.enforce_mode not in _MODES:
        raise _unreadable("")
    parts = (override.scheme, override.host, override.port, override.path, override.query)
    if all(part is None for part in parts):
        raise _unreadable("Invalid uri_override.")
    if override.host is not None and not is_host(override.host):
        raise _unreadable("Invalid Host.")
    if override.port is not None and override.port < 0:
        raise _unreadable("Port number should be a positive integer.")


def _unreadable(what: str) -> InvalidArgument:
    return InvalidArgument(
        f"Error in parsing HttpTarget. {what}",
        ErrorInfo("INVALID_INPUT_ON_HTTP_TARGET_OVERRIDE", "cloudtasks.googleapis.com", {"invalid_field": what}),
    )
