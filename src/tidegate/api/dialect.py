"""What differs between the API versions, and what they say alike.

The engine knows one queue and one task. A dialect reads them from a version's messages and writes them into those;
everything else about an RPC is the same for all versions and stands in ``handlers``. Messages are raw protobuf
messages, never proto-plus wrappers: those cost more than the whole rest of a call.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

from tidegate.api.masks import Steps
from tidegate.api.times import put_duration, put_moment, read_duration
from tidegate.core.headers import OVERRIDES_MAX
from tidegate.core.queue import (
    AppEngineRouting,
    Header,
    HttpTarget,
    OAuthToken,
    OidcToken,
    Queue,
    RetryConfig,
    Token,
    UriOverride,
)
from tidegate.core.stats import QueueStats
from tidegate.core.task import Attempt, HttpRequest, Task
from tidegate.core.validation import HttpDraft, TaskDraft
from tidegate.schema.limits import most_of
from tidegate.schema.rpc import Service, raw

if TYPE_CHECKING:
    from tidegate.api.task_bytes import TaskBytes  # which is made of a dialect

VIEW_UNSPECIFIED = 0
BASIC = 1
FULL = 2


class Messages:
    """The raw classes of a version's messages, by their names: ``messages.Task()``."""

    def __init__(self, schema: ModuleType) -> None:
        for name in schema.__all__:
            message = getattr(schema, name)
            if hasattr(message, "pb"):
                setattr(self, name, raw(message))

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


class Dialect(Protocol):
    """One API version."""

    services: tuple[type[Service], ...]
    """The services whose rows this version serves."""
    messages: Messages
    fixed: frozenset[Steps]
    """Paths of a queue that a mask may name without effect: what only the server sets."""
    shows_pull: bool
    """Whether pull queues and their tasks can be seen."""
    masks_answers: bool
    """Whether requests say by a ``read_mask`` what they want to see of a queue."""

    def read_queue(self, message: Any, base: Queue) -> Queue:
        """``base`` with all that this version can set, as it was sent: what is unset there is 0, empty or None."""

    def write_queue(self, queue: Queue, into: Any) -> Any:
        """Fill a fresh message and return it. NotFound for a queue that this version does not show."""

    def write_stats(self, stats: QueueStats, into: Any) -> None:
        """Fill a QueueStats; only of a version that ``masks_answers``."""

    def read_task(self, message: Any) -> TaskDraft:
        """A task as it was sent."""

    def write_task(self, task: Task, view: int, into: Any) -> Any:
        """Fill a fresh message and return it; the body only in the FULL view.

        NotFound for a task that this version does not show.
        """

    task_bytes: TaskBytes
    """The same as a serialised message; fast for a task that waits for its first attempt."""


def read_retry(message: Any, max_attempts: int) -> RetryConfig:
    """Retry settings, of which the versions say only the number of attempts in different ways."""
    return RetryConfig(
        max_attempts,
        read_duration(message.max_retry_duration),
        read_duration(message.min_backoff),
        read_duration(message.max_backoff),
        message.max_doublings,
    )


def write_waits(retry: RetryConfig, into: Any) -> None:
    """Everything of retry settings but the number of attempts."""
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
    """Routing as sent. InvalidArgument for more header overrides than there may be."""
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
    """App Engine routing as sent; the host is ours to say."""
    return AppEngineRouting(message.service, message.version, message.instance)


def write_routing(routing: AppEngineRouting, into: Any) -> None:
    into.service = routing.service
    into.version = routing.version
    into.instance = routing.instance
    into.host = routing.host


def read_headers(headers: Any) -> dict[str, str]:
    """The headers of a message, in an order that depends on their names alone.

    A map of protobuf has no order of its own, and what this process sees changes with every start. The order decides
    which of two names that differ only in case is sent, and that must not change.
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
