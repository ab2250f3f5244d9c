"""A task: what to deliver, when, and what became of it so far."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from tidegate.core.errors import Code
from tidegate.core.names import TaskName
from tidegate.core.queue import AppEngineRouting, HttpMethod, RetryConfig, Token

BULKY = 4096
"""Bytes of a task's settings and body from which it counts as bulky. Below, ten thousand of them are 40 MB."""

DEFAULT_HTTP_DEADLINE = timedelta(minutes=10)

# Tasks hold no reference cycles and are made by the thousand: with gc=False the collector does not visit them.


class HttpRequest(Struct, frozen=True, tag="http", array_like=True, gc=False):
    """Deliver to a URL. The headers are those stored, already cleaned; the body is the task's."""

    url: str
    http_method: int = HttpMethod.POST
    headers: dict[str, str] = {}
    token: Token | None = None


class AppEngineRequest(Struct, frozen=True, tag="app", array_like=True, gc=False):
    """Deliver to a service of an App Engine application."""

    http_method: int = HttpMethod.POST
    relative_uri: str = ""
    headers: dict[str, str] = {}
    routing: AppEngineRouting = AppEngineRouting()


class PullMessage(Struct, frozen=True, tag="pull", array_like=True, gc=False):
    """Keep for a worker that leases. The payload is the task's body."""

    tag: str = ""


Target = HttpRequest | AppEngineRequest | PullMessage


class Status(Struct, frozen=True, array_like=True, gc=False):
    """What an attempt ended with: a canonical code and the service's text for it."""

    code: Code
    message: str


class Attempt(Struct, frozen=True, array_like=True, gc=False):
    """One try. While it is under way ``response_time`` and ``status`` are unset.

    ``http_status`` is the handler's answer, 0 when none came.
    """

    schedule_time: datetime
    dispatch_time: datetime | None = None
    response_time: datetime | None = None
    status: Status | None = None
    http_status: int = 0

    @property
    def timed_out(self) -> bool:
        """Whether the dispatch deadline passed before an answer came."""
        return self.status is not None and self.status.code is Code.DEADLINE_EXCEEDED and not self.http_status


class Task(Struct, frozen=True, kw_only=True, gc=False):
    """A task as every API version sees it. ``body`` is the HTTP body or the pull payload.

    ``dispatch_count`` counts attempts started; ``response_count`` answers other than 5xx; ``answer_count`` all
    answers, which App Engine handlers are told. ``last_attempt`` is the last one that ended; while another is under
    way, ``dispatched_at`` is when that one started.
    """

    name: TaskName
    target: Target
    schedule_time: datetime
    create_time: datetime
    dispatch_deadline: timedelta | None = None
    retry_config: RetryConfig | None = None
    body: bytes = b""
    dispatch_count: int = 0
    response_count: int = 0
    answer_count: int = 0
    first_dispatch_time: datetime | None = None
    last_attempt: Attempt | None = None
    dispatched_at: datetime | None = None
    trace: bytes = b""  # of its creation, see ``core.trace_context``; empty where none is known
    bulk: int = 0  # bytes in memory, of a task claimed from the store that has many; 0 for an ordinary one
    key: Any = None  # how the store finds its row again; opaque to everyone else

    @property
    def newest_attempt(self) -> Attempt | None:
        """The attempt under way, else the last that ended."""
        if self.dispatched_at is None:
            return self.last_attempt
        return Attempt(self.schedule_time, self.dispatched_at)

    def dispatched(self, now: datetime) -> Task:
        """The task once an attempt of it has started at ``now``, whatever its schedule time and even beside another."""
        first = self.first_dispatch_time
        return replace(
            self,
            dispatch_count=self.dispatch_count + 1,
            first_dispatch_time=now if first is None else first,
            dispatched_at=now,
        )

    def leased(self, until: datetime) -> Task:
        """The pull task once a worker holds it ``until`` then; its schedule time tells when it can be leased again."""
        return replace(self, schedule_time=until, dispatch_count=self.dispatch_count + 1)
