"""The names and settings of the queues that clients use, as messages and as what a history holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.invariants.history import Limits
from tests.promises.server import LOCATION
from tests.simulation.virtual_time import START

PUSH = ("q0", "q1")
PULL = "pull"
FAR = 36_000.0
"""Seconds until a task is due that outlasts the run."""

URL = {"url": "http://handler.test/"}

UNLIMITED = Limits()
"""What a pull queue is set to: nothing is dispatched from it."""


def queue_name(queue: str) -> str:
    return f"{LOCATION}/queues/{queue}"


def task_name(task: str) -> str:
    queue, _, name = task.partition("/")
    return f"{queue_name(queue)}/tasks/{name}"


def seconds(moment: Any) -> float:
    """An API time on the server's wall clock."""
    whole = datetime.fromtimestamp(moment.seconds, UTC) + timedelta(microseconds=moment.nanos // 1000)
    return (whole - START).total_seconds()


def span(duration: Any) -> float:
    return float(duration.seconds) + float(duration.nanos) / 1e9


def limits_of(queue: Any) -> Limits:
    """The settings that a queue's message shows."""
    rates, retries = queue.rate_limits, queue.retry_config
    return Limits(
        rate=rates.max_dispatches_per_second,
        burst=rates.max_burst_size,
        concurrency=rates.max_concurrent_dispatches,
        max_attempts=retries.max_attempts,
        max_retry_duration=span(retries.max_retry_duration),
        min_backoff=span(retries.min_backoff),
        max_backoff=span(retries.max_backoff),
        max_doublings=retries.max_doublings,
    )


def message_of(queue: str, limits: Limits) -> dict[str, Any]:
    """And back."""
    return {
        "name": queue_name(queue),
        "rate_limits": {"max_dispatches_per_second": limits.rate, "max_concurrent_dispatches": limits.concurrency},
        "retry_config": {
            "max_attempts": limits.max_attempts,
            "max_retry_duration": timedelta(seconds=limits.max_retry_duration),
            "min_backoff": timedelta(seconds=limits.min_backoff),
            "max_backoff": timedelta(seconds=limits.max_backoff),
            "max_doublings": limits.max_doublings,
        },
    }
