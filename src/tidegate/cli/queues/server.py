"""The queues of a running server as values, and the upload of a queue.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from tidegate.cli.run.rest import Server
from tidegate.core.names import LocationName, QueueName
from tidegate.core.queue import AppEngineRouting, Kind, Queue, RateLimits, RetryConfig, State
from tidegate.core.times import NANOS_PER_SECOND, Duration

PAGE_SIZE = 1000


def queues(server: Server, location: LocationName) -> list[Queue]:
    """The queues of a location, push and pull. HTTP routing and logging are left out."""
    found: list[Queue] = []
    token = ""
    while True:
        page = server.call("GET", f"/v2beta3/{location}/queues", {"pageSize": PAGE_SIZE, "pageToken": token})
        found += map(read_queue, page.get("queues", ()))
        token = page.get("nextPageToken", "")
        if not token:
            return found


def upload(server: Server, project: str, file: bytes) -> None:
    """Apply a queue.yaml to the location that the server keeps uploads for."""
    server.call("POST", "/api/queue/update", {"appId": project}, data=file)


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
