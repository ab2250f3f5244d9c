"""Where an attempt goes and with what: the call made from a task and its queue."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_to_bytes

from msgspec import Struct
from msgspec.structs import replace

from tidegate.core.app_engine import DEFAULT_SERVICE, host_of
from tidegate.core.headers import RESERVED, RESERVED_PREFIXES, clean_value, is_token
from tidegate.core.queue import (
    AppEngineRouting,
    EnforceMode,
    Header,
    HttpMethod,
    Queue,
    Scheme,
    Token,
    UriOverride,
)
from tidegate.core.task import DEFAULT_HTTP_DEADLINE, AppEngineRequest, Attempt, HttpRequest, Task
from tidegate.core.times import micros
from tidegate.core.trace_context import names_a_trace
from tidegate.core.urls import PORT_MAX, Url, is_intact, is_ready, split
from tidegate.core.validation.tokens import completed_token

APP_ENGINE_DEADLINE: Final = timedelta(minutes=10)  # for a task that sets none: the limit of automatic scaling
ADDRESSES_KEPT: Final = 1024

METHOD_NAMES: Final = {int(method): method.name for method in HttpMethod}
BODY_METHODS: Final = frozenset({"POST", "PUT", "PATCH"})

Lines = list[tuple[str, str]]


class HttpCall(Struct, frozen=True, gc=False):
    """One request, ready to be sent except for its token.

    ``timeout`` is for the whole attempt, including redirects and reading the answer. The sender adds the headers Host
    and Content-Length, and Authorization for a ``token``, which it mints just before it sends. With a token,
    ``headers`` has no Authorization. Names and values of headers satisfy the grammar of RFC 9110. ``queue`` is the full
    name of the task's queue.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    timeout: timedelta
    token: Token | None = None
    follows_redirects: bool = True
    queue: str = ""


class Unsendable(Struct, frozen=True):
    """An attempt that ends before anything is sent; ``reason`` is a short text for the log."""

    reason: str


def compose(
    task: Task, queue: Queue, app_engine: Mapping[str, str], trace: Sequence[tuple[str, str]] = ()
) -> HttpCall | Unsendable:
    """The request of a task's attempt. ``task.dispatch_count`` already counts that attempt.

    ``app_engine`` is the setting of that name: base URLs by ``SERVICE`` or ``VERSION.SERVICE``. ``trace`` are headers
    that name the trace; a task or queue that sets ``traceparent`` itself goes on with its own.
    """
    target = task.target
    if isinstance(target, HttpRequest):
        return _to_url(task, target, queue, trace)
    if isinstance(target, AppEngineRequest):
        return _to_app_engine(task, target, queue, app_engine, trace)
    return Unsendable("a pull task is leased, not sent")


# --- to a URL ---------------------------------------------------------------------------------------------------------


def _to_url(task: Task, target: HttpRequest, queue: Queue, trace: Sequence[tuple[str, str]]) -> HttpCall | Unsendable:
    method, token, override = target.http_method, target.token, None
    overrides: Iterable[Header] = ()
    routing = queue.http_target
    if routing is not None:
        method = routing.http_method or method
        overrides = routing.header_overrides
        if routing.token is not None:
            token = completed_token(routing.token, target.url)
        override = routing.uri_override
    verb = METHOD_NAMES.get(method, "POST")
    if task.body and verb not in BODY_METHODS:
        return Unsendable(f"{verb} takes no body")
    address = address_of(target.url, override)
    if isinstance(address, Unsendable):
        return address
    lines = _stored_lines(target.headers, HTTP_RULES)
    if overrides:
        lines = _overridden(lines, overrides)
    if token is not None:
        lines = [line for line in lines if line[0].lower() != "authorization"]
    elif address.user and not any(line[0].lower() == "authorization" for line in lines):
        lines.append(("Authorization", address.user))
    if trace and not names_a_trace(lines):
        lines += trace
    _, name, _, task_id = task.name.rsplit("/", 3)
    retries = task.dispatch_count - 1
    lines += (
        ("X-CloudTasks-QueueName", name),
        ("X-CloudTasks-TaskName", task_id),
        ("X-CloudTasks-TaskRetryCount", str(retries)),
        ("X-CloudTasks-TaskExecutionCount", str(task.response_count)),
        ("X-CloudTasks-TaskETA", unix_seconds(task.schedule_time)),
    )
    if retries > 0:
        last = task.last_attempt
        previous = "504" if last is not None and last.timed_out else _previous_answer(last)
        lines += (("X-CloudTasks-TaskPreviousResponse", previous), ("X-CloudTasks-TaskRetryReason", ""))
    timeout = task.dispatch_deadline or DEFAULT_HTTP_DEADLINE
    return HttpCall(verb, address.url, tuple(lines), task.body, timeout, token, queue=queue.name)


class CalledUrl(Struct, frozen=True, gc=False):
    """A URL to call. ``user`` is the Authorization header made of its user information, empty when it has none."""

    url: str
    user: str = ""


UNCALLABLE: Final = Unsendable("the URL cannot be called")


@lru_cache(maxsize=ADDRESSES_KEPT)
def address_of(url: str, override: UriOverride | None = None) -> CalledUrl | Unsendable:
    """The URL to call for a task's URL: with the queue's overrides, percent-encoded, without its fragment.

    Overrides with the mode IF_NOT_EXISTS change nothing, because a task always has a URL.
    """
    applies = override is not None and override.enforce_mode != EnforceMode.IF_NOT_EXISTS
    if not applies and is_ready(url):
        return CalledUrl(url)
    parts = split(url)
    if parts is None:
        return UNCALLABLE
    if override is not None and applies:
        if override.port is not None and not 0 <= override.port <= PORT_MAX:
            return UNCALLABLE
        parts = _routed(parts, override)
    sent = str(parts)
    if not is_intact(sent):
        return UNCALLABLE
    return CalledUrl(sent, "" if parts.user is None else basic_authorization(parts.user))


def host_called(task: Task, queue: Queue, app_engine: Mapping[str, str]) -> str:
    """The host and port that attempts of a task call, as written in its URL. Empty when the URL cannot be called."""
    target = task.target
    if isinstance(target, HttpRequest):
        routing = queue.http_target
        address = address_of(target.url, None if routing is None else routing.uri_override)
    elif isinstance(target, AppEngineRequest):
        base = app_engine_base(queue.app_engine_routing or target.routing, queue.name.project, app_engine)
        address = address_of(f"{base}/")
    else:
        return ""
    return "" if isinstance(address, Unsendable) else address.url.split("/", 3)[2]


def _routed(parts: Url, override: UriOverride) -> Url:
    """The URL with the parts replaced that the override sets. An empty path or query replaces nothing."""
    if override.scheme is not None:
        parts = replace(parts, scheme="http" if override.scheme == Scheme.HTTP else "https")
    if override.host is not None:
        parts = replace(parts, host=override.host, user=None)  # a password must not go to another host
    if override.port is not None:
        parts = replace(parts, port=override.port or None)
    if override.path:
        parts = replace(parts, path="/" + override.path.removeprefix("/"))
    if override.query:
        parts = replace(parts, query=override.query)
    return parts


def basic_authorization(user: str) -> str:
    """The Authorization header of ``name:password``, which is percent-encoded as in a URL."""
    name, _, password = user.partition(":")
    return "Basic " + b64encode(unquote_to_bytes(name) + b":" + unquote_to_bytes(password)).decode("ascii")


# --- to App Engine ----------------------------------------------------------------------------------------------------

_ROUTING_PART: Final = re.compile(r"[A-Za-z0-9-]{0,63}")


def _to_app_engine(
    task: Task,
    target: AppEngineRequest,
    queue: Queue,
    app_engine: Mapping[str, str],
    trace: Sequence[tuple[str, str]],
) -> HttpCall | Unsendable:
    routing = queue.app_engine_routing or target.routing
    address = address_of(app_engine_base(routing, queue.name.project, app_engine) + (target.relative_uri or "/"))
    if isinstance(address, Unsendable):
        return address
    verb = METHOD_NAMES.get(target.http_method, "POST")
    if task.body and verb not in BODY_METHODS:
        return Unsendable(f"{verb} takes no body")
    lines = _stored_lines(target.headers, APP_ENGINE_RULES)
    if trace and not names_a_trace(lines):
        lines += trace
    _, name, _, task_id = task.name.rsplit("/", 3)
    retries = task.dispatch_count - 1
    lines += (
        ("X-AppEngine-QueueName", name),
        ("X-AppEngine-TaskName", task_id),
        ("X-AppEngine-TaskRetryCount", str(retries)),
        ("X-AppEngine-TaskExecutionCount", str(task.answer_count)),
        ("X-AppEngine-TaskETA", unix_seconds(task.schedule_time)),
    )
    if retries > 0:
        previous = _previous_answer(task.last_attempt)
        why = "Instance Unavailable" if previous == "0" else "App Error"
        lines += (("X-AppEngine-TaskPreviousResponse", previous), ("X-AppEngine-TaskRetryReason", why))
    return HttpCall(
        verb,
        address.url,
        tuple(lines),
        task.body,
        task.dispatch_deadline or APP_ENGINE_DEADLINE,
        follows_redirects=False,  # to App Engine a redirect is a failure
        queue=queue.name,
    )


def app_engine_base(routing: AppEngineRouting, project: str, app_engine: Mapping[str, str]) -> str:
    """The URL below which a service answers, without a slash at its end.

    The entry of the version counts before that of its service, that before ``default``'s. Without any entry it is the
    service's App Engine host. A routing with a part that cannot be in a host name is read as the default service: calls
    to App Engine are exempt from the egress rules, so their host must be one of App Engine's.
    """
    if not all(map(_ROUTING_PART.fullmatch, (routing.service, routing.version, routing.instance))):
        routing = AppEngineRouting()
    service = routing.service or DEFAULT_SERVICE
    base = app_engine.get(f"{routing.version}.{service}") or app_engine.get(service) or app_engine.get(DEFAULT_SERVICE)
    return base.rstrip("/") if base else f"https://{host_of(routing, project)}"


# --- headers ----------------------------------------------------------------------------------------------------------

_OURS: Final = frozenset(
    {
        "x-cloudtasks-queuename",
        "x-cloudtasks-taskname",
        "x-cloudtasks-taskretrycount",
        "x-cloudtasks-taskexecutioncount",
        "x-cloudtasks-tasketa",
        "x-cloudtasks-taskpreviousresponse",
        "x-cloudtasks-taskretryreason",
    }
)
"""Headers that only the server sets. A caller may set others with the prefix: a Django framework reads one."""
FRAMING: Final = frozenset(
    {"connection", "content-length", "host", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"}
)
"""Headers of the connection. Only the sender sets them."""


class _Rules(dict[str, bool]):
    """Whether a stored header is sent, by its name. Bounded, because names come from callers."""

    def __init__(self, held_back: frozenset[str]) -> None:
        super().__init__()
        self.held_back = held_back
        self.many_spellings = False
        """Whether two of the names so far may differ only in case. While none do, headers need not be compared."""
        self._spelt: dict[str, str] = {}

    def __missing__(self, name: str) -> bool:
        lower = name.lower()
        verdict = is_token(name) and lower not in self.held_back and not lower.startswith(RESERVED_PREFIXES)
        if len(self) >= ADDRESSES_KEPT:
            self._forget()
        if len(name) <= ADDRESSES_KEPT:
            self[name] = verdict
            if self._spelt.setdefault(lower, name) != name:
                self.many_spellings = True
        else:
            self.many_spellings = True
        return verdict

    def _forget(self) -> None:
        self.clear()
        self._spelt.clear()
        self.many_spellings = True  # the spellings so far are no longer known


HTTP_RULES: Final = _Rules(RESERVED - {"user-agent"} | _OURS)
APP_ENGINE_RULES: Final = _Rules(FRAMING)


def _stored_lines(headers: Mapping[str, str], rules: _Rules) -> Lines:
    """The stored headers that are sent, each name once. Of names that differ only in case the last one counts.

    Their values were cleaned when they were stored. A header that breaks the grammar is not sent.
    """
    lines = []
    for name, value in headers.items():
        if rules[name]:
            sendable = clean_value(value)
            if sendable is not None:
                lines.append((name, sendable.strip(" \t")))
    if rules.many_spellings:
        return list({line[0].lower(): line for line in lines}.values())
    return lines


def _overridden(lines: Lines, overrides: Iterable[Header]) -> Lines:
    """The headers after the queue's overrides, which replace those of the same name in any case. The last counts."""
    wanted = {header.key.lower(): header for header in overrides}
    kept = [line for line in lines if line[0].lower() not in wanted]
    for header in wanted.values():
        sendable = clean_value(header.value) if header.value else ""  # an override may be empty
        if sendable is not None and HTTP_RULES[header.key]:
            kept.append((header.key, sendable.strip(" \t")))
    return kept


def _previous_answer(last: Attempt | None) -> str:
    """The HTTP status of the previous attempt; ``0`` when no answer came or a crash lost it."""
    return "0" if last is None else str(last.http_status)


@lru_cache(maxsize=256)  # tasks that were created together are due together
def unix_seconds(when: datetime) -> str:
    """Seconds since 1970 with microseconds, without zeros at the end: ``1721236265.12``."""
    seconds, rest = divmod(micros(when), 1_000_000)
    return f"{seconds}.{rest:06d}".rstrip("0") if rest else str(seconds)
