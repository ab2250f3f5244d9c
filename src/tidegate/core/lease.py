"""Leases: what a worker may ask for, and who holds a task."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from math import inf
from typing import Final, TypeAlias

from msgspec import Struct

from tidegate.core.errors import InvalidArgument
from tidegate.core.queue import UNLIMITED_ATTEMPTS, Queue
from tidegate.core.refusals import lease_lost
from tidegate.core.task import PullMessage, Task
from tidegate.core.times import Duration, micros

LEASE_MAX: Final = 1000
"""Tasks of one LeaseTasks; LeaseTasksRequest.max_tasks."""
LEASE_BYTES_MAX: Final = 32 * 2**20
"""Bytes of one LeaseTasksResponse."""
LONGEST_LEASE: Final = 604_800  # seconds; LeaseTasksRequest.lease_duration

_TAG: Final = re.compile(r"""tag\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^"].*))""", re.DOTALL)
_OLDEST: Final = re.compile(r"tag_function\s*=\s*oldest_tag\(\s*\)")


class LeaseFilter(Struct, frozen=True):
    """Which tasks a worker wants: those with ``tag``, those with the tag of the ``oldest`` leasable task, or any.

    When the oldest task has no tag, only untagged tasks are wanted, as with an empty ``tag``.
    """

    tag: str | None = None
    oldest: bool = False


def read_filter(text: str) -> LeaseFilter:
    """The filter of LeaseTasks: empty, ``tag=NAME`` with or without quotes, or ``tag_function=oldest_tag()``."""
    text = text.strip()
    if not text:
        return LeaseFilter()
    if _OLDEST.fullmatch(text):
        return LeaseFilter(oldest=True)
    tagged = _TAG.fullmatch(text)
    if tagged is None:
        raise InvalidArgument(
            f"LeaseTasksRequest.filter must be empty, 'tag=<tag>' or 'tag_function=oldest_tag()', but it is '{text}'."
        )
    quoted, bare = tagged.groups()
    return LeaseFilter(tag=bare if quoted is None else re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL))


def lease_size(max_tasks: int) -> int:
    """How many tasks to lease at most. 0 stands for as many as one answer may hold."""
    if max_tasks < 0:
        raise InvalidArgument("LeaseTasksRequest.maxTasks cannot be negative.")
    if max_tasks > LEASE_MAX:
        raise InvalidArgument(f"LeaseTasksRequest.maxTasks must be less than or equal to {LEASE_MAX}.")
    return max_tasks or LEASE_MAX


def lease_span(sent: Duration | None, request: str) -> timedelta:
    """How long a lease runs, in whole seconds; a fraction is dropped. ``request`` names the message in the texts."""
    if sent is None:
        raise InvalidArgument(f"{request}.leaseDuration is required.")
    if sent.nanos < 0 or not 1 <= sent.seconds <= LONGEST_LEASE:
        raise InvalidArgument(f"{request}.leaseDuration must be between [1s, {LONGEST_LEASE}s].")
    return timedelta(seconds=sent.seconds)


def leases_left(task: Task, queue: Queue) -> float:
    """How often the task may still be leased: up to the attempts that its own settings give it, else its queue's."""
    attempts = (task.retry_config or queue.retry_config).max_attempts
    return inf if attempts == UNLIMITED_ATTEMPTS else attempts - task.dispatch_count


def tag_of(task: Task) -> str:
    """The tag of a pull task, empty for none."""
    return task.target.tag if isinstance(task.target, PullMessage) else ""


class Choice(Struct, frozen=True):
    """Which of the tasks that are due a worker gets, and which are ``spent``: they may not be leased again."""

    chosen: list[Task]
    spent: list[Task]


def choose(due: Sequence[Task], sizes: Sequence[int], queue: Queue, limit: int, bytes_limit: int) -> Choice:
    """Choose the first ``limit`` tasks that may be leased, as far as their payloads of these ``sizes`` fit into
    ``bytes_limit``; the first one always does.
    """
    chosen: list[Task] = []
    spent: list[Task] = []
    for task, size in zip(due, sizes, strict=True):
        if len(chosen) == limit:
            break
        if leases_left(task, queue) <= 0:
            spent.append(task)
            continue
        bytes_limit -= size
        if bytes_limit < 0 and chosen:
            break
        chosen.append(task)
    return Choice(chosen, spent)


class Lease(Struct, frozen=True, gc=False):
    """How a task of a pull queue stands: when it can be leased next, and how often it was."""

    until: datetime
    count: int


Held: TypeAlias = tuple[int, int]
"""The schedule time by which a worker shows that it holds a task, in seconds and nanoseconds as it was sent."""


def held_time(sent: Held | None, request: str) -> Held:
    """The schedule time that was sent. InvalidArgument for none; ``request`` names the message in the text."""
    if sent is None:
        raise InvalidArgument(f"{request}.scheduleTime is required.")
    return sent


def check_holder(lease: Lease, held: Held, now: datetime) -> None:
    """Whether the caller holds the lease of a task, by the schedule time that its lease gave it.

    Raises FailedPrecondition when the lease has run out, another worker has the task, or nobody has leased it.
    """
    seconds, nanos = held
    same = seconds * 1_000_000 + nanos // 1000 == micros(lease.until)
    if not same or not lease.count or now >= lease.until:
        raise lease_lost()
