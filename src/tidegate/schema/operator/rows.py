"""How rows of the operator's service are declared: their path prefixes and usual defaults."""

from __future__ import annotations

from tidegate.schema.operator.bulk import BulkMetadata, BulkResult
from tidegate.schema.rpc import (
    RETRIED,
    TIMED,
    CallDefault,
    HttpRule,
    LongRunning,
    Request,
    Response,
    Rpc,
    get,
    post,
)

PROJECT = "{parent=projects/*}"
LOCATION = "{parent=projects/*/locations/*}"
EVERYWHERE = "{parent=-}"
QUEUE = "projects/*/locations/*/queues/*"
TASK = f"{QUEUE}/tasks/*"

WAITING = CallDefault(70.0, None)
"""Of calls that may wait for a minute."""
BULK = LongRunning(BulkResult, BulkMetadata)


def path_of(path: str) -> str:
    return f"/operator/v1/{path}"


def reading(
    request: type[Request],
    response: type[Response],
    path: str,
    permission: str,
    fields: tuple[str, ...] = (),
    *,
    also: tuple[str, ...] = (),
    default: CallDefault = RETRIED,
    streams: bool = False,
    dev: bool = False,
) -> Rpc[Request, Response]:
    """An RPC that changes nothing: a GET."""
    return Rpc(
        request,
        response,
        get(path_of(path)),
        also=tuple(get(path_of(other)) for other in also),
        fields=fields,
        default=default,
        permission=permission,
        streams=streams,
        dev=dev,
    )


def doing(
    request: type[Request],
    response: type[Response],
    rule: HttpRule,
    permission: str,
    fields: tuple[str, ...] = (),
    *,
    also: tuple[HttpRule, ...] = (),
    default: CallDefault = TIMED,
    long_running: LongRunning | None = None,
    dev: bool = False,
) -> Rpc[Request, Response]:
    """An RPC that does something."""
    return Rpc(
        request,
        response,
        rule,
        also=also,
        fields=fields,
        default=default,
        permission=permission,
        long_running=long_running,
        dev=dev,
    )


def posting(path: str, body: str = "*") -> HttpRule:
    return post(path_of(path), body)
