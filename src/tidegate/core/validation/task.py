"""Tasks as callers send them, and as they are stored."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from tidegate.core.app_engine import with_host
from tidegate.core.errors import InvalidArgument
from tidegate.core.headers import HEADERS_COUNT_MAX, HEADERS_MAX, clean_app_engine_headers, clean_http_headers
from tidegate.core.names import QueueName, TaskName, check_task_name
from tidegate.core.queue import AppEngineRouting, HttpMethod, Kind, Queue, RetryConfig, Token
from tidegate.core.task import DEFAULT_HTTP_DEADLINE, AppEngineRequest, HttpRequest, PullMessage, Target, Task
from tidegate.core.times import Duration
from tidegate.core.urls import SCHEMES, encoded_length
from tidegate.core.validation.retry import check_retry, filled_retry
from tidegate.core.validation.schedule import settled_schedule
from tidegate.core.validation.tokens import check_token, check_token_url, completed_token

URL_MAX: Final = 2083  # characters once encoded; HttpRequest.url, AppEngineHttpRequest.relative_uri
TAG_MAX: Final = 499  # PullMessage.tag: less than 500 characters
SHORTEST_DEADLINE: Final = Duration(15)  # Task.dispatch_deadline
LONGEST_HTTP_DEADLINE: Final = Duration(30 * 60)
LONGEST_APP_ENGINE_DEADLINE: Final = Duration(24 * 3600 + 15)

_METHODS: Final = {int(method): method for method in HttpMethod}
HTTP_BODIES: Final = frozenset({HttpMethod.POST, HttpMethod.PUT, HttpMethod.PATCH})
APP_ENGINE_BODIES: Final = frozenset({HttpMethod.POST, HttpMethod.PUT})
_SHORT: Final = URL_MAX // 12  # below the limit even if each character is four bytes and each byte is escaped

_TARGETS_KEPT: Final = 1024
_KEPT_TEXT: Final = 1024  # characters of URL and headers; longer targets are not cached


class HttpDraft(Struct, gc=False):
    """An HTTP target as sent. ``method`` is the enum's number."""

    url: str
    method: int = 0
    headers: Mapping[str, str] = {}
    body: bytes = b""
    token: Token | None = None


class AppEngineDraft(Struct, gc=False):
    """An App Engine target as sent. ``method`` is the enum's number."""

    relative_uri: str = ""
    method: int = 0
    headers: Mapping[str, str] = {}
    body: bytes = b""
    routing: AppEngineRouting | None = None


class PullDraft(Struct, gc=False):
    """A pull message as sent."""

    payload: bytes = b""
    tag: str = ""


class TaskDraft(Struct, gc=False):
    """What a caller sent for a task, in any version of the API, not yet looked at.

    ``name`` is empty when the server is to make one; ``target`` None when none was set. ``schedule_time`` is in seconds
    and nanoseconds since 1970. What is unset in ``retry_config`` is 0. Output-only fields have no place here.
    """

    name: str = ""
    target: HttpDraft | AppEngineDraft | PullDraft | None = None
    schedule_time: tuple[int, int] | None = None
    dispatch_deadline: Duration | None = None
    retry_config: RetryConfig | None = None


class NewTask(Struct, frozen=True, gc=False):
    """A checked task, before its queue is read. ``name`` None asks for a generated one, ``schedule_time`` None means
    at once.
    """

    name: TaskName | None
    target: Target
    body: bytes
    schedule_time: datetime | None
    dispatch_deadline: timedelta | None
    retry_config: RetryConfig | None

    def stored(self, name: TaskName, target: Target, now: datetime, second: datetime, trace: bytes = b"") -> Task:
        """The task to store at ``now``, with its own or a generated name and its settled target.

        ``second`` is ``now`` in whole seconds, because the service keeps no more of the create time. ``trace`` is what
        is kept of its creation.
        """
        return Task(
            name=name,
            target=target,
            schedule_time=self.schedule_time or now,
            create_time=second,
            dispatch_deadline=self.dispatch_deadline,
            retry_config=self.retry_config,
            body=self.body,
            trace=trace,
        )


def check_task(draft: TaskDraft, queue: QueueName, now: datetime, *, in_batch: bool = False) -> NewTask:
    """The checked task for ``queue``, its headers cleaned and its times cut, before the queue is read.

    Raises:
        InvalidArgument: The name or a field breaks a rule. Of several faults the text names the first that was found.
    """
    name = check_task_name(draft.name, queue) if draft.name else None
    sent = draft.target
    target: Target
    deadline: timedelta | None
    if isinstance(sent, HttpDraft):
        target = _check_http(sent)
        body = sent.body
        deadline = _http_deadline(draft.dispatch_deadline)
    elif isinstance(sent, AppEngineDraft):
        target = _check_app_engine(sent, queue)
        body = sent.body
        deadline = _app_engine_deadline(draft.dispatch_deadline)
    elif isinstance(sent, PullDraft):
        if len(sent.tag) > TAG_MAX:
            raise InvalidArgument("PullMessage.tag must be less than 500 characters.")
        target, body, deadline = PullMessage(sent.tag), sent.payload, None
    else:
        raise InvalidArgument("Payload type must be set." if in_batch else "Task.payload_type is not set.")
    retry = draft.retry_config
    if retry is not None:
        check_retry(retry)
        retry = filled_retry(retry)
    return NewTask(
        name,
        target,
        body,
        settled_schedule(draft.schedule_time, now),
        deadline,
        retry,
    )


def settle_target(target: Target, queue: Queue, *, https_tokens: bool = False) -> Target:
    """The target of a new task as it is stored in ``queue``.

    The queue's token replaces the task's, also for later attempts. With ``https_tokens``, the setting ``token_urls``,
    only tasks to ``https`` URLs may carry one.

    Raises:
        InvalidArgument: The token may not be sent to the task's URL, or the queue takes another kind of task.
    """
    if (queue.kind is Kind.PULL) is not isinstance(target, PullMessage):
        raise _wrong_kind(queue.kind)
    if isinstance(target, HttpRequest):
        routing = queue.http_target
        token = target.token
        if routing is not None and routing.token is not None:
            token = completed_token(routing.token, target.url)
            target = replace(target, token=token)
        if token is not None:
            check_token_url(token, target.url, https_only=https_tokens)
    return target


def _wrong_kind(kind: Kind) -> InvalidArgument:
    if kind is Kind.PULL:
        return InvalidArgument("Task.pull_message must be set for a task in a pull queue.")
    return InvalidArgument("Task.pull_message can only be set for a task in a pull queue.")


def _check_http(sent: HttpDraft) -> HttpRequest:
    headers: tuple[tuple[str, str], ...] = ()
    text = len(sent.url)
    if sent.headers:
        _check_count("HttpRequest", sent.headers)
        headers = tuple(sent.headers.items())
        text += sum(len(name) + len(value) for name, value in headers)
    check = _known_target if text <= _KEPT_TEXT else _checked_target
    target = check(sent.url, sent.method, headers)
    if sent.body and target.http_method not in HTTP_BODIES:
        raise _body_not_allowed()
    token = sent.token
    if token is not None:
        check_token(token)
        return replace(target, token=completed_token(token, sent.url))
    return target


def _checked_target(url: str, number: int, sent: tuple[tuple[str, str], ...]) -> HttpRequest:
    if not url.startswith(SCHEMES):
        if not url:
            raise InvalidArgument("HttpRequest.url is required.")
        raise InvalidArgument("HttpTarget.url must start with 'http://' or 'https://'.")
    if len(url) > _SHORT and encoded_length(url) > URL_MAX:
        raise InvalidArgument(f"HttpRequest.url must be at most {URL_MAX} characters long once encoded.")
    headers = clean_http_headers(dict(sent))
    if len(headers) > 1 and sum(map(len, headers)) + sum(map(len, headers.values())) >= HEADERS_MAX:
        raise InvalidArgument("HttpRequest.headers must be less than 80 KB in total.")
    return HttpRequest(url, _METHODS.get(number, HttpMethod.POST), headers)


_known_target = lru_cache(maxsize=_TARGETS_KEPT)(_checked_target)
"""One ``HttpRequest`` for all tasks with the same URL, method and headers: thousands of tasks go to a few targets.
    It saves 1 us of a create. Caches that look targets up by their identity save 4 us more.
"""


def _check_app_engine(sent: AppEngineDraft, queue: QueueName) -> AppEngineRequest:
    uri = sent.relative_uri
    if uri:
        if uri[0] != "/":
            raise InvalidArgument("AppEngineHttpRequest.relativeUri must start with '/'.")
        if " " in uri:
            raise InvalidArgument("AppEngineHttpRequest.relativeUri cannot contain spaces.")
        if len(uri) > URL_MAX:
            raise InvalidArgument(f"AppEngineHttpRequest.relativeUri must be at most {URL_MAX} characters long.")
    method = _METHODS.get(sent.method, HttpMethod.POST)
    if sent.body and method not in APP_ENGINE_BODIES:
        raise _body_not_allowed()
    _check_count("AppEngineHttpRequest", sent.headers)
    routing = with_host(sent.routing or AppEngineRouting(), queue.project)
    return AppEngineRequest(method, uri, clean_app_engine_headers(sent.headers, sent.body), routing)


def _check_count(request: str, headers: Mapping[str, str]) -> None:
    if len(headers) > HEADERS_COUNT_MAX:
        raise InvalidArgument(
            f"{request}.headers must have at most {HEADERS_COUNT_MAX} entries, but got {len(headers)}."
        )


def _body_not_allowed() -> InvalidArgument:
    return InvalidArgument("Body can only be set if the http_method is POST, PUT, or PATCH.")


def _http_deadline(sent: Duration | None) -> timedelta:
    if sent is None:
        return DEFAULT_HTTP_DEADLINE
    if not SHORTEST_DEADLINE.total_nanos <= sent.total_nanos <= LONGEST_HTTP_DEADLINE.total_nanos:
        raise InvalidArgument("Task.dispatchDeadline must be between [15s, 30m].")
    return _cut(sent)


def _app_engine_deadline(sent: Duration | None) -> timedelta | None:
    if sent is None or not sent.total_nanos:
        return None
    if not SHORTEST_DEADLINE.total_nanos <= sent.total_nanos <= LONGEST_APP_ENGINE_DEADLINE.total_nanos:
        raise InvalidArgument("Task.dispatchDeadline must be between [15s, 24h15s].")
    return _cut(sent)


def _cut(sent: Duration) -> timedelta:
    """A deadline in whole milliseconds, as the service keeps it."""
    return timedelta(milliseconds=sent.total_nanos // 1_000_000)
