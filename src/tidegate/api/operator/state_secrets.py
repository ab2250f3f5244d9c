"""Secrets taken out of the records of an export: they become ``***``, as in kept attempts."""

from __future__ import annotations

from typing import Any

from tidegate.core.masking import MASK, is_secret, masked_url


def mask_record(record: Any) -> None:
    """Mask the secrets in a record: in headers, URLs and URL parameters of a task, and in what a queue overrides.
    Bodies and payloads stay: they are the task.
    """
    kind = record.WhichOneof("record")
    if kind == "task":
        _mask_task(record.task)
    elif kind == "dead_task":  # the kept attempt in it is masked already
        _mask_task(record.dead_task.task)
    elif kind == "queue":
        _mask_queue(record.queue.queue)


def _mask_task(task: Any) -> None:
    kind = task.WhichOneof("payload_type")
    if kind == "http_request":
        _mask_headers(task.http_request.headers)
        task.http_request.url = masked_url(task.http_request.url)
        _mask_audience(task.http_request)
    elif kind == "app_engine_http_request":
        request = task.app_engine_http_request
        _mask_headers(request.headers)
        if request.relative_uri:
            request.relative_uri = masked_url(request.relative_uri)


def _mask_queue(queue: Any) -> None:
    if not queue.HasField("http_target"):
        return
    for override in queue.http_target.header_overrides:
        override.header.value = _masked(override.header.key, override.header.value)
    _mask_audience(queue.http_target)
    query = queue.http_target.uri_override.query_override
    if query.query_params:
        query.query_params = masked_url(f"?{query.query_params}")[1:]


def _mask_audience(target: Any) -> None:
    """An audience is the URL where none was named."""
    if target.HasField("oidc_token") and target.oidc_token.audience:
        target.oidc_token.audience = masked_url(target.oidc_token.audience)


def _mask_headers(headers: Any) -> None:
    for name in list(headers):
        value = headers[name]
        masked = _masked(name, value)
        if masked != value:
            headers[name] = masked


def _masked(name: str, value: str) -> str:
    return MASK if is_secret(name) else masked_url(value)
