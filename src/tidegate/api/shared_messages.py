"""Messages that every version of the API has, read into the values of ``core`` and written from them.

Each function takes a raw protobuf message of any version: those messages have the same fields in all of them.
"""

from __future__ import annotations

from typing import Any

from tidegate.api.times import put_duration, put_moment, read_duration
from tidegate.core.headers import OVERRIDES_MAX
from tidegate.core.queue import (
    AppEngineRouting,
    Header,
    HttpTarget,
    OAuthToken,
    OidcToken,
    RetryConfig,
    Token,
    UriOverride,
)
from tidegate.core.task import Attempt, HttpRequest
from tidegate.core.validation import HttpDraft
from tidegate.schema.limits import most_of


def read_retry(message: Any, max_attempts: int) -> RetryConfig:
    """Retry settings. The caller reads ``max_attempts``, which the versions write in different ways."""
    return RetryConfig(
        max_attempts,
        read_duration(message.max_retry_duration),
        read_duration(message.min_backoff),
        read_duration(message.max_backoff),
        message.max_doublings,
    )


def write_waits(retry: RetryConfig, into: Any) -> None:
    """Write retry settings without the number of attempts."""
    if retry.max_retry_duration.total_nanos:
        put_duration(into.max_retry_duration, retry.max_retry_duration)
    put_duration(into.min_backoff, retry.min_backoff)
    put_duration(into.max_backoff, retry.max_backoff)
    into.max_doublings = retry.max_doublings


def read_token(message: Any) -> Token | None:
    """The token of a request or a queue's routing: the member of the oneof ``authorization_header``."""
    member = message.WhichOneof("authorization_header")
    if member is None:
        return None
    if member == "oidc_token":
        oidc = message.oidc_token
        return OidcToken(oidc.service_account_email, oidc.audience)
    oauth = message.oauth_token
    return OAuthToken(oauth.service_account_email, oauth.scope)


def write_token(token: Token, into: Any) -> None:
    if isinstance(token, OidcToken):
        oidc = into.oidc_token
        oidc.service_account_email = token.service_account_email
        oidc.audience = token.audience
    else:
        oauth = into.oauth_token
        oauth.service_account_email = token.service_account_email
        oauth.scope = token.scope


def read_http_target(message: Any) -> HttpTarget:
    """Routing as it was sent. InvalidArgument for more than ``OVERRIDES_MAX`` header overrides."""
    overrides = message.header_overrides
    if len(overrides) > OVERRIDES_MAX:
        raise most_of(message.DESCRIPTOR.fields_by_name["header_overrides"]).refuse(len(overrides))
    return HttpTarget(
        read_uri_override(message.uri_override) if message.HasField("uri_override") else None,
        message.http_method,
        tuple(Header(entry.header.key, entry.header.value) for entry in overrides if entry.HasField("header")),
        read_token(message),
    )


def write_http_target(target: HttpTarget, into: Any) -> None:
    into.SetInParent()  # routing without any part is kept as an empty message
    if target.uri_override is not None:
        write_uri_override(target.uri_override, into.uri_override)
    into.http_method = target.http_method
    for header in target.header_overrides:
        entry = into.header_overrides.add().header
        entry.key = header.key
        entry.value = header.value
    if target.token is not None:
        write_token(target.token, into)


def read_uri_override(message: Any) -> UriOverride:
    return UriOverride(
        message.scheme if message.HasField("scheme") else None,
        message.host if message.HasField("host") else None,
        message.port if message.HasField("port") else None,
        message.path_override.path if message.HasField("path_override") else None,
        message.query_override.query_params if message.HasField("query_override") else None,
        message.uri_override_enforce_mode,
    )


def write_uri_override(override: UriOverride, into: Any) -> None:
    into.SetInParent()
    if override.scheme is not None:
        into.scheme = override.scheme
    if override.host is not None:
        into.host = override.host
    if override.port is not None:
        into.port = override.port
    if override.path is not None:
        into.path_override.path = override.path
    if override.query is not None:
        into.query_override.query_params = override.query
    into.uri_override_enforce_mode = override.enforce_mode


def read_routing(message: Any) -> AppEngineRouting:
    """App Engine routing as it was sent, without the host, which the server fills in."""
    return AppEngineRouting(message.service, message.version, message.instance)


def write_routing(routing: AppEngineRouting, into: Any) -> None:
    into.service = routing.service
    into.version = routing.version
    into.instance = routing.instance
    into.host = routing.host


def read_headers(headers: Any) -> dict[str, str]:
    """The headers of a message, in an order that depends on their names alone.

    A protobuf map has no fixed order: it differs from process to process. But the order decides which of two names that
    differ only in case is sent, and that must be the same after a restart.
    """
    names = headers if len(headers) < 2 else sorted(headers)
    return {name: headers[name] for name in names}  # dict(headers) takes twice the time


def read_http_request(message: Any) -> HttpDraft:
    headers = message.headers
    return HttpDraft(
        message.url,
        message.http_method,
        read_headers(headers) if headers else {},
        message.body,
        read_token(message),
    )


def write_http_request(request: HttpRequest, body: bytes, into: Any) -> None:
    """Fill an HttpRequest; ``body`` is empty where it is not to be shown."""
    into.url = request.url
    into.http_method = request.http_method
    into.headers.update(request.headers)
    if body:
        into.body = body
    if request.token is not None:
        write_token(request.token, into)


def write_attempt(attempt: Attempt, into: Any) -> None:
    """Fill an Attempt (in v2beta2 an AttemptStatus, with the same fields)."""
    put_moment(into.schedule_time, attempt.schedule_time)
    if attempt.dispatch_time is not None:
        put_moment(into.dispatch_time, attempt.dispatch_time)
    if attempt.response_time is not None:
        put_moment(into.response_time, attempt.response_time)
    if attempt.status is not None:
        into.response_status.code = attempt.status.code
        into.response_status.message = attempt.status.message
