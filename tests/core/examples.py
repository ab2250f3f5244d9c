"""Values that the tests of the rules start from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tidegate.core.names import QueueName, TaskName
from tidegate.core.queue import Queue
from tidegate.core.task import HttpRequest, Task

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

LOCATION = "projects/p/locations/us-central1"
QUEUE = QueueName(f"{LOCATION}/queues/q")
TASK = TaskName(f"{QUEUE}/tasks/t")
URL = "https://example.com/hook"


def queue(**changes: Any) -> Queue:
    return Queue(**{"name": QUEUE, **changes})


def task(**changes: Any) -> Task:
    """A task to a URL, due at noon, whose first attempt is under way unless ``changes`` say otherwise."""
    values: dict[str, Any] = {
        "name": TASK,
        "target": HttpRequest(URL),
        "schedule_time": NOON,
        "create_time": NOON,
        "dispatch_count": 1,
        "first_dispatch_time": NOON,
        "dispatched_at": NOON,
    }
    return Task(**{**values, **changes})
