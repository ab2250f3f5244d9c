"""Records of an export, read and checked like what callers send; what only a server sets is taken over."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from tidegate.api.handlers.queues import unset_queue
from tidegate.api.operator.attempt_messages import STEPS
from tidegate.api.operator.options import read_options
from tidegate.api.times import read_duration, read_moment
from tidegate.api.v2beta3 import V2beta3
from tidegate.core.attempt_record import (
    AttemptOutcome,
    AttemptRecord,
    Exchange,
    KeptResponse,
    SentReason,
    SentRequest,
    Timing,
)
from tidegate.core.dead_letters import DeadTask, DeathReason, ErrorGroup
from tidegate.core.errors import Code, InvalidArgument
from tidegate.core.headers import APP_ENGINE_USER_AGENT
from tidegate.core.names import QUEUE, TASK
from tidegate.core.queue import Queue, RetryConfig, State
from tidegate.core.queue_options import check_options
from tidegate.core.task import Attempt, Status, Task
from tidegate.core.times import MICROSECOND
from tidegate.core.trace_context import parse
from tidegate.core.validation import Ceilings, check_queue, check_task, settle_queue
from tidegate.engine.state import Record

FORMAT_VERSION: Final = 1
"""Of the records that this version writes and reads."""

STATUS_TEXT_MAX: Final = 1000
"""Characters of an attempt's status that are taken over."""

HTTP_STATUS: Final = re.compile(r"HTTP status code ([0-9]{3})\b")
"""How the text of an attempt's status names the answer."""

_TIMED_OUT: Final = "504"  # how a deadline that passed is shown
_DIALECT: Final = V2beta3()
_KEPT_ZEROS: Final = frozenset({"max_burst_size", *RetryConfig.__struct_fields__})
"""Fields of a queue in which a 0 of an export stays one."""


def read_record(message: Any, under: str, ceilings: Ceilings, now: datetime, *, paused: bool) -> Record | None:
    """The queue, task or dead task of a record; None for a header or a trailer.

    Raises InvalidArgument for a name that does not begin with ``under``, and for what breaks a rule.
    """
    kind = message.WhichOneof("record")
    if kind == "header":
        if message.header.format_version != FORMAT_VERSION:
            raise InvalidArgument(
                f"header.format_version is {message.header.format_version}; this server reads {FORMAT_VERSION}."
            )
        return None
    if kind == "queue":
        return _read_queue(message.queue, under, ceilings, paused=paused)
    if kind == "task":
        return replace(read_task(message.task, under, now), trace=_read_trace(message))
    if kind == "dead_task":
        dead = _read_dead_task(message.dead_task, under, now)
        return replace(dead, task=replace(dead.task, trace=_read_trace(message)))
    if kind is None:
        raise InvalidArgument("A record must have a header, queue, task, dead_task or trailer.")
    return None


def _read_queue(message: Any, under: str, ceilings: Ceilings, *, paused: bool) -> Queue:
    name = QUEUE.parse(message.queue.name)
    if name is None or not name.startswith(under):
        raise InvalidArgument(f"queue.name must be the name of a queue below {under.rstrip('/')}.")
    sent = _DIALECT.read_queue(message.queue, unset_queue(name))
    check_queue(sent, ceilings)
    queue = settle_queue(sent, ceilings, old=sent, unnamed=_KEPT_ZEROS)
    try:
        state = State(message.queue.state or State.RUNNING)
    except ValueError:
        raise InvalidArgument("queue.state must be RUNNING, PAUSED or DISABLED.") from None
    purged = message.queue.HasField("purge_time")
    options = read_options(message.options) if message.HasField("options") else None
    if options is not None:
        check_options(options)
    return replace(
        queue,
        state=State.PAUSED if paused and state is State.RUNNING else state,
        purge_time=read_moment(message.queue.purge_time, "queue.purge_time") if purged else None,
        options=options,
    )


def read_task(message: Any, under: str, now: datetime) -> Task:
    """A whole task with its times and counts. Raises InvalidArgument."""
    name = TASK.parse(message.name)
    if name is None or not name.startswith(under):
        raise InvalidArgument(f"task.name must be the name of a task below {under.rstrip('/')}.")
    _drop_own_agent(message)
    new = check_task(_DIALECT.read_task(message), name.parent, now)
    first = message.first_attempt
    if min(message.dispatch_count, message.response_count) < 0:
        raise InvalidArgument("task.dispatch_count and task.response_count must not be negative.")
    return Task(
        name=name,
        target=new.target,
        schedule_time=_moment_of(message, "schedule_time") or now,
        create_time=min(_moment_of(message, "create_time") or now, now),
        dispatch_deadline=new.dispatch_deadline,
        retry_config=new.retry_config,
        body=new.body,
        dispatch_count=message.dispatch_count,
        response_count=message.response_count,
        answer_count=message.response_count,
        first_dispatch_time=_moment_of(first, "dispatch_time"),
        last_attempt=_read_attempt(message.last_attempt) if message.HasField("last_attempt") else None,
    )


def _read_trace(message: Any) -> bytes:
    """What the task keeps of its creation."""
    if not message.traceparent:
        return b""
    creation = parse(message.traceparent, message.tracestate)
    if creation is None:
        raise InvalidArgument("traceparent must name a span as W3C Trace Context does: 00-TRACE-SPAN-FLAGS.")
    return creation.kept()


def _drop_own_agent(message: Any) -> None:
    """Leave of an App Engine task's User-Agent what its caller said: our part of it is added to what is created."""
    if message.WhichOneof("payload_type") != "app_engine_http_request":
        return
    headers = message.app_engine_http_request.headers
    for name in [name for name in headers if name.lower() == "user-agent"]:
        said = headers[name].removesuffix(APP_ENGINE_USER_AGENT).rstrip(" ")
        if said:
            headers[name] = said
        else:
            del headers[name]


def _moment_of(message: Any, field: str) -> datetime | None:
    return read_moment(getattr(message, field), field) if message.HasField(field) else None


def _read_attempt(message: Any) -> Attempt:
    status = _read_status(message.response_status) if message.HasField("response_status") else None
    said = HTTP_STATUS.search(status.message) if status is not None else None
    http_status = int(said[1]) if said is not None and said[1] != _TIMED_OUT else 0
    return Attempt(
        read_moment(message.schedule_time, "last_attempt.schedule_time"),
        _moment_of(message, "dispatch_time"),
        _moment_of(message, "response_time"),
        status,
        http_status,
    )


def _read_status(message: Any) -> Status:
    try:
        return Status(Code(message.code), message.message[:STATUS_TEXT_MAX])
    except ValueError:
        raise InvalidArgument(f"{message.code} is no code of google.rpc.Code.") from None


def _read_dead_task(message: Any, under: str, now: datetime) -> DeadTask:
    task = read_task(message.task, under, now)
    try:
        reason = DeathReason(message.reason)
    except ValueError:
        raise InvalidArgument("dead_task.reason must say why the task died.") from None
    attempts = (_read_record(message.last_attempt),) if message.HasField("last_attempt") else ()
    return DeadTask(
        task=task,
        death_time=_moment_of(message, "death_time") or now,
        reason=reason,
        expire_time=read_moment(message.expire_time, "dead_task.expire_time"),
        error_group=ErrorGroup("", ""),
        attempts=attempts,
    )


def _read_record(message: Any) -> AttemptRecord:
    """A kept attempt, as ``write_attempt_record`` wrote it."""
    sent, received = message.request, message.response
    try:
        outcome, because = AttemptOutcome(message.outcome), SentReason(message.reason_sent)
    except ValueError:
        raise InvalidArgument("last_attempt.outcome and last_attempt.reason_sent must be set.") from None
    return AttemptRecord(
        message.number,
        because,
        read_moment(message.schedule_time, "last_attempt.schedule_time"),
        read_moment(message.start_time, "last_attempt.start_time"),
        read_moment(message.end_time, "last_attempt.end_time"),
        outcome,
        message.http_status,
        _read_status(message.rpc_status) if message.HasField("rpc_status") else None,
        message.error,
        _moment_of(message, "retry_time"),
        message.final,
        Exchange(
            SentRequest(sent.method, sent.url, _headers(sent.headers), sent.body_bytes),
            KeptResponse(_headers(received.headers), received.body_start, received.body_bytes),
            Timing(*(read_duration(getattr(message.timing, step)).timedelta() // MICROSECOND for step in STEPS)),
            message.peer_address,
            message.reused_connection,
            tuple(message.redirects),
            message.node,
            message.fault,
        ),
    )


def _headers(messages: Any) -> tuple[tuple[str, str], ...]:
    return tuple((each.name, each.value) for each in messages)
