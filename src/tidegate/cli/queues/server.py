"""A running server as the commands see it: two calls over REST, and its queues as values."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from http.client import HTTPException
from typing import Any
from urllib.parse import quote

import msgspec

from tidegate.core.names import LocationName, QueueName
from tidegate.core.queue import AppEngineRouting, Kind, Queue, RateLimits, RetryConfig, State
from tidegate.core.times import NANOS_PER_SECOND, Duration

TIMEOUT = 30.0
"""Seconds that a server may take for a call."""
PAGE_SIZE = 1000


class CallRefusedError(Exception):
    """The server said no; the text is its code and message."""


class UnreachableError(Exception):
    """No server answers there; the text says why."""


class RemoteServer:
    """The server at ``url``, asked directly, not by way of a proxy."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def queues(self, location: LocationName) -> list[Queue]:
        """The queues of a location, push and pull. HTTP routing and logging are left out."""
        found: list[Queue] = []
        token = ""
        while True:
            path = f"/v2beta3/{quote(location)}/queues?pageSize={PAGE_SIZE}&pageToken={quote(token, safe='')}"
            page = self._call("GET", path)
            found += map(read_queue, page.get("queues", ()))
            token = page.get("nextPageToken", "")
            if not token:
                return found

    def upload(self, project: str, file: bytes) -> None:
        """Apply a queue.yaml to the location that the server keeps uploads for."""
        self._call("POST", f"/api/queue/update?appId={quote(project, safe='')}", file)

    def _call(self, verb: str, path: str, body: bytes | None = None) -> Any:
        headers = {} if body is None else {"Content-Type": "application/octet-stream"}
        request = urllib.request.Request(self.url + path, body, headers, method=verb)  # noqa: S310 - http or https
        try:
            with self._opener.open(request, timeout=TIMEOUT) as answer:
                return msgspec.json.decode(answer.read())
        except urllib.error.HTTPError as error:
            raise CallRefusedError(_refusal(error.code, error.read())) from None
        except (OSError, HTTPException, msgspec.DecodeError) as error:
            reason = getattr(error, "reason", error)
            raise UnreachableError(getattr(reason, "strerror", None) or str(reason) or type(error).__name__) from None


def _refusal(status: int, body: bytes) -> str:
    try:
        error = msgspec.json.decode(body)["error"]
        return f"{error['status']}: {error['message']}"
    except (msgspec.DecodeError, KeyError, TypeError):
        return f"HTTP status code {status}"


def read_queue(shown: Mapping[str, Any]) -> Queue:
    """A queue from its JSON in v2beta3."""
    limits, retry = shown.get("rateLimits", {}), shown.get("retryConfig", {})
    routing = shown.get("appEngineHttpQueue", {}).get("appEngineRoutingOverride")
    return Queue(
        name=QueueName(shown["name"]),
        kind=Kind[shown.get("type", "PUSH")],
        state=State[shown.get("state", "RUNNING")],
        rate_limits=RateLimits(
            float(limits.get("maxDispatchesPerSecond", 0)),
            limits.get("maxBurstSize", 0),
            limits.get("maxConcurrentDispatches", 0),
        ),
        retry_config=RetryConfig(
            retry.get("maxAttempts", 0),
            _duration(retry.get("maxRetryDuration")),
            _duration(retry.get("minBackoff")),
            _duration(retry.get("maxBackoff")),
            retry.get("maxDoublings", 0),
        ),
        app_engine_routing=None
        if routing is None
        else AppEngineRouting(routing.get("service", ""), routing.get("version", ""), routing.get("instance", "")),
        task_ttl=_duration(shown.get("taskTtl")).timedelta(),
        tombstone_ttl=_duration(shown.get("tombstoneTtl")).timedelta() or timedelta(),
    )


def _duration(text: str | None) -> Duration:
    return Duration(*divmod(int(Decimal((text or "0s").removesuffix("s")) * NANOS_PER_SECOND), NANOS_PER_SECOND))
