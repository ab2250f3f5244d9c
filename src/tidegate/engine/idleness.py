"""How many tasks are left in a queue or a project, for those who wait until there are none."""

from __future__ import annotations

from functools import partial
from typing import Final

from msgspec import Struct

from tidegate.core.names import ProjectName, QueueName
from tidegate.core.queue import Queue, State
from tidegate.engine.lookup import found
from tidegate.engine.ports.store import Reader, Store

QUEUES_AT_ONCE: Final = 200
"""Queues looked at in one step: a millisecond or two of the reading thread."""


class TasksLeft(Struct, frozen=True):
    """Tasks that are not done. ``kept_by`` is a queue that keeps its tasks because it is paused or disabled, None while
    other tasks will end.
    """

    tasks: int = 0
    kept_by: Queue | None = None


async def tasks_left(store: Store, parent: QueueName | ProjectName) -> TasksLeft:
    """What is left in a queue, or in all queues of a project. Raises NotFound for a queue that is not there."""
    if isinstance(parent, QueueName):
        tasks, running, kept_by = await store.read(partial(_in_queue, parent))
        return TasksLeft(tasks, None if running else kept_by)
    total, total_running, keeper = 0, 0, None
    for location in await store.read(lambda reader: reader.locations(parent.project)):
        after, there = "", QUEUES_AT_ONCE
        while there == QUEUES_AT_ONCE:
            look = partial(_in_queues, f"{parent}/locations/{location}", after)
            there, after, tasks, running, kept_by = await store.read(look)
            total, total_running, keeper = total + tasks, total_running + running, keeper or kept_by
    return TasksLeft(total, None if total_running else keeper)


def _in_queue(name: QueueName, reader: Reader) -> tuple[int, int, Queue | None]:
    stored = found(reader.queue(name))
    (tally,) = reader.tallies([stored])
    return _sorted_out(stored.queue, tally.tasks)


def _in_queues(parent: str, after: str, reader: Reader) -> tuple[int, str, int, int, Queue | None]:
    """How many queues were looked at, the last of them, and what is left in them together."""
    page = reader.queues(parent, after, QUEUES_AT_ONCE)
    total, total_running, keeper = 0, 0, None
    for stored, tally in zip(page, reader.tallies(page), strict=True):
        tasks, running, kept_by = _sorted_out(stored.queue, tally.tasks)
        total, total_running, keeper = total + tasks, total_running + running, keeper or kept_by
    return len(page), page[-1].queue.name.queue if page else after, total, total_running, keeper


def _sorted_out(queue: Queue, tasks: int) -> tuple[int, int, Queue | None]:
    """The tasks of a queue, those of them that will end, and the queue if it keeps them."""
    if queue.state is State.RUNNING:
        return tasks, tasks, None
    return tasks, 0, queue if tasks else None
