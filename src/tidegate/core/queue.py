"""A queue: its settings as users see them, with the real service's defaults, and the routing it lays over tasks."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import IntEnum

from msgspec import Struct, field

from tidegate.core.names import QueueName
from tidegate.core.queue_options import QueueOptions
from tidegate.core.times import Duration

DEFAULT_DISPATCHES_PER_SECOND = 500.0
DEFAULT_CONCURRENT_DISPATCHES = 1000
DEFAULT_MAX_ATTEMPTS = 100
UNLIMITED_ATTEMPTS = -1
DEFAULT_MIN_BACKOFF = Duration(0, 100_000_000)
DEFAULT_MAX_BACKOFF = Duration(3600)
DEFAULT_MAX_DOUBLINGS = 16
DEFAULT_TASK_TTL = timedelta(days=31)
SHORTEST_TASK_TTL = timedelta(days=10)
DEFAULT_TOMBSTONE_TTL = timedelta(hours=1)
SMALLEST_BURST = 10
DEFAULT_NAME_REUSE_AFTER = timedelta(days=7)  # https://cloud.google.com/tasks/docs/quotas


class State(IntEnum):
    """Queue.State; the numbers are the API's."""

    RUNNING = 1
    PAUSED = 2
    DISABLED = 3


class Kind(IntEnum):
    """Queue.Type of v2beta3; the numbers are the API's."""

    PULL = 1
    PUSH = 2


class HttpMethod(IntEnum):
    """HttpMethod; the numbers are the API's."""

    POST = 1
    GET = 2
    HEAD = 3
    PUT = 4
    DELETE = 5
    PATCH = 6
    OPTIONS = 7


def burst_for(rate: float) -> int:
    """The size of the token bucket that the service was seen to give a rate: a fifth of the rate, at least 10."""
    return max(SMALLEST_BURST, int(rate / 5))


class RateLimits(Struct, frozen=True, gc=False):
    """How fast a queue may dispatch: a rate, the bucket that lets it burst, and how many attempts may be under way."""

    max_dispatches_per_second: float = DEFAULT_DISPATCHES_PER_SECOND
    max_burst_size: int = burst_for(DEFAULT_DISPATCHES_PER_SECOND)
    max_concurrent_dispatches: int = DEFAULT_CONCURRENT_DISPATCHES


class RetryConfig(Struct, frozen=True, gc=False):
    """When a failed task is tried again, and when it is given up. A ``max_retry_duration`` of zero sets no limit."""

    max_attempts: int = DEFAULT_MAX_ATTEMPTS
    max_retry_duration: Duration = Duration()
    min_backoff: Duration = DEFAULT_MIN_BACKOFF
    max_backoff: Duration = DEFAULT_MAX_BACKOFF
    max_doublings: int = DEFAULT_MAX_DOUBLINGS


class OAuthToken(Struct, frozen=True, tag="oauth"):
    """An access token for Google APIs. In a queue's routing an empty scope stays empty."""

    service_account_email: str
    scope: str = ""


class OidcToken(Struct, frozen=True, tag="oidc"):
    """An ID token for any other handler. In a queue's routing an empty audience stays empty."""

    service_account_email: str
    audience: str = ""


Token = OAuthToken | OidcToken


class Scheme(IntEnum):
    UNSPECIFIED = 0
    HTTP = 1
    HTTPS = 2


class EnforceMode(IntEnum):
    UNSPECIFIED = 0
    IF_NOT_EXISTS = 1
    ALWAYS = 2


class UriOverride(Struct, frozen=True):
    """Parts of the URL that the queue replaces. None is unset; an empty path or query was sent as an empty message."""

    scheme: int | None = None
    host: str | None = None
    port: int | None = None
    path: str | None = None
    query: str | None = None
    enforce_mode: int = EnforceMode.UNSPECIFIED


class Header(Struct, frozen=True, array_like=True):
    key: str
    value: str = ""


class HttpTarget(Struct, frozen=True):
    """Queue-level routing of HTTP tasks, kept as it was sent. ``http_method`` 0 overrides nothing."""

    uri_override: UriOverride | None = None
    http_method: int = 0
    header_overrides: tuple[Header, ...] = ()
    token: Token | None = None


class AppEngineRouting(Struct, frozen=True):
    """Where an App Engine task goes. ``host`` is filled in by the server."""

    service: str = ""
    version: str = ""
    instance: str = ""
    host: str = ""


class Queue(Struct, frozen=True, kw_only=True, gc=False):
    """A queue as every API version sees it."""

    name: QueueName
    kind: Kind = Kind.PUSH
    state: State = State.RUNNING
    rate_limits: RateLimits = RateLimits()
    retry_config: RetryConfig = RetryConfig()
    http_target: HttpTarget | None = None
    app_engine_routing: AppEngineRouting | None = None
    sampling_ratio: float = 0.0
    task_ttl: timedelta = DEFAULT_TASK_TTL
    tombstone_ttl: timedelta = DEFAULT_TOMBSTONE_TTL
    purge_time: datetime | None = None
    from_yaml: bool = field(default=False)
    options: QueueOptions | None = None

    @property
    def dispatches(self) -> bool:
        """Whether its tasks are pushed now."""
        return self.state is State.RUNNING and self.kind is Kind.PUSH
