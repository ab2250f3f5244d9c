"""Leases: what a worker may ask for, and who holds a task (behaviour §15)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from math import inf
from typing import Final, TypeAlias

from msgspec import Struct

from tidegate.core.errors import InvalidArgument
from tidegate.core.queue import UNLIMITED_ATTEMPTS, RetryConfig
from tidegate.core.refusals import lease_lost
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


def leases_allowed(own: RetryConfig | None, queue: RetryConfig) -> float:
    """How often a task may be leased: the attempts that its own settings give it, else those of its queue."""
    attempts = (own or queue).max_attempts
    return inf if attempts == UNLIMITED_ATTEMPTS else attempts


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
