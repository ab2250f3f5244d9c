"""When a task is given up without an attempt: past its queue's time to live, or leased as often as it may be."""

from __future__ import annotations

from datetime import datetime

from tidegate.core.lease import leases_left
from tidegate.core.queue import SHORTEST_TASK_TTL, Queue
from tidegate.core.task import Task


def is_overdue(create_time: datetime, queue: Queue, now: datetime) -> bool:
    """Whether a task of that age is past its queue's ``task_ttl``."""
    return create_time + queue.task_ttl <= now


def is_young(create_time: datetime, now: datetime) -> bool:
    """Whether a task of that age is too young to be overdue in any queue."""
    return create_time > now - SHORTEST_TASK_TTL


def is_lost(task: Task, queue: Queue, now: datetime) -> bool:
    """Whether a pull task can never be leased again: its last lease has run out unacknowledged."""
    return task.schedule_time <= now and leases_left(task, queue) <= 0
