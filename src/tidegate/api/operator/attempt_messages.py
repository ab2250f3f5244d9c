"""Kept attempts as messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tidegate.api.times import put_moment, put_span
from tidegate.core.attempt_record import AttemptRecord, span
from tidegate.core.masking import Headers
from tidegate.core.names import TaskName

STEPS = ("wait", "resolve", "connect", "tls", "first_byte", "total")


def write_attempt_record(task: TaskName, record: AttemptRecord, into: Any) -> Any:
    """Fill the operator's Attempt."""
    into.name = f"{task}/attempts/{record.number}"
    into.number = record.number
    into.reason_sent = record.sent_because
    put_moment(into.schedule_time, record.schedule_time)
    put_moment(into.start_time, record.start_time)
    put_moment(into.end_time, record.end_time)
    into.outcome = record.outcome
    into.http_status = record.http_status
    if record.status is not None:
        into.rpc_status.code = record.status.code
        into.rpc_status.message = record.status.message
    into.error = record.error
    if record.retry_time is not None:
        put_moment(into.retry_time, record.retry_time)
    into.final = record.final
    _write_exchange(record, into)
    return into


def _write_exchange(record: AttemptRecord, into: Any) -> None:
    exchange = record.exchange
    sent, received = exchange.request, exchange.response
    if sent.method:
        into.request.method = sent.method
        into.request.url = sent.url
        into.request.body_bytes = sent.body_bytes
        _write_headers(sent.headers, into.request.headers)
    if record.http_status:
        into.response.SetInParent()
        into.response.body_start = received.body_start
        into.response.body_bytes = received.body_bytes
        _write_headers(received.headers, into.response.headers)
    for step in STEPS:
        micros = getattr(exchange.timing, step)
        if micros:
            put_span(getattr(into.timing, step), span(micros))
    into.peer_address = exchange.peer_address
    into.reused_connection = exchange.reused_connection
    into.redirects.extend(exchange.redirects)
    into.node = exchange.node
    into.fault = exchange.fault


def _write_headers(headers: Iterable[tuple[str, str]] | Headers, into: Any) -> None:
    for name, value in headers:
        header = into.add()
        header.name, header.value = name, value
