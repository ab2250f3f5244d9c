"""What stands in spans: the names of OpenTelemetry's conventions for messaging, HTTP and RPC.

Bodies, headers and tokens never do, nor the queries of URLs.

https://opentelemetry.io/docs/specs/semconv/
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, TypeAlias

from tidegate.core.lifecycle import Outcome, response_status
from tidegate.core.queue import Queue
from tidegate.core.target import HttpCall
from tidegate.core.task import Task
from tidegate.core.urls import split

Fields: TypeAlias = dict[str, str | int | float | bool]

SYSTEM: Final = "tidegate"
PORTS: Final = {"http": 80, "https": 443}


def rpc_fields(service: str, method: str) -> Fields:
    """Of a call over gRPC."""
    return {"rpc.system": "grpc", "rpc.service": service, "rpc.method": method}


def http_fields(verb: str, route: str) -> Fields:
    """Of a call over REST."""
    return {"http.request.method": verb, "http.route": route}


def resource_fields(name: str) -> Fields:
    """Of a call about a queue or a task with this name."""
    queue, _, task = name.partition("/tasks/")
    fields: Fields = {}
    if "/queues/" in queue:
        fields |= {"messaging.system": SYSTEM, "messaging.destination.name": queue}
    if task:
        fields["messaging.message.id"] = task
    return fields


def attempt_fields(queue: Queue, task: Task) -> Fields:
    """Of an attempt, before anything is sent."""
    fields: Fields = {
        "messaging.system": SYSTEM,
        "messaging.operation.name": "dispatch",
        "messaging.operation.type": "send",
        "messaging.destination.name": str(queue.name),
        "messaging.message.id": task.name.task,
        "messaging.message.body.size": len(task.body),
    }
    if task.dispatch_count > 1:
        fields["http.request.resend_count"] = task.dispatch_count - 1
    return fields


def request_fields(call: HttpCall) -> Mapping[str, Any]:
    """Of the request of an attempt."""
    return {"http.request.method": call.method, **_url_fields(call.url)}


@lru_cache(maxsize=256)
def _url_fields(url: str) -> Fields:
    parts = split(url)
    if parts is None:
        return {}
    port = parts.port or PORTS.get(parts.scheme, 0)
    return {"url.full": url.partition("?")[0], "server.address": parts.host, "server.port": port}


def outcome_fields(outcome: Outcome) -> Fields:
    """Of the end of an attempt. ``error.type`` is the HTTP status, or where none came the canonical code."""
    fields: Fields = {}
    if outcome.http_status:
        fields["http.response.status_code"] = outcome.http_status
    if not outcome.succeeded:
        code = response_status(outcome).code
        fields["error.type"] = str(outcome.http_status) if outcome.http_status else code.name
    return fields
