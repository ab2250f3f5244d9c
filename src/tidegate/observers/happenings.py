"""What the event ring remembers of an event: small values that hold no task, for a task may hold a megabyte."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import IntEnum
from typing import TypeAlias

from msgspec import Struct

from tidegate.core.dead_letters import DeathReason
from tidegate.core.lifecycle import Outcome
from tidegate.core.names import QueueName


class EventKind(IntEnum):
    """``Event.Kind`` of the operator's API; the numbers are the API's."""

    TASK_CREATED = 1
    TASK_DELETED = 2
    ATTEMPT_STARTED = 3
    ATTEMPT_ENDED = 4
    TASK_DIED = 5
    QUEUE_CHANGED = 6
    QUEUE_DELETED = 7
    RESET = 8
    GAP = 9


# What the ring holds has no reference cycles: with gc=False the collector does not visit the thousands of them. An
# attempt makes two, so each of these is one value and not one within another.


class _Attempt(Struct, frozen=True, gc=False):
    """An attempt, by its task's name and its number, and when it was due. ``first`` is the number of the event."""

    first: int
    time: datetime
    queue: QueueName
    task: str
    number: int
    schedule_time: datetime


class StartedAttempt(_Attempt, frozen=True, gc=False):
    """An attempt at its start."""


class EndedAttempt(_Attempt, frozen=True, gc=False):
    """An attempt after its end. ``retry_time`` is when the task is tried again; ``counts`` is False for an outcome that
    was not recorded, since the task was deleted or a newer attempt of it started. ``url`` is how an HTTP task's URL
    begins.
    """

    start_time: datetime | None
    outcome: Outcome
    took: timedelta
    retry_time: datetime | None
    counts: bool
    url: str


class GivenUp(Struct, frozen=True, gc=False):
    """A task that died, and why. ``shelved``: it lies on the shelf of its queue."""

    task: str
    reason: DeathReason
    shelved: bool


Detail: TypeAlias = str | StartedAttempt | EndedAttempt | GivenUp
"""Of TASK_CREATED and TASK_DELETED the task's name, of QUEUE_CHANGED what was done, of RESET and GAP nothing."""


class Group(Struct, frozen=True, gc=False):
    """Events of one kind, queue and moment, numbered from ``first`` on."""

    first: int
    time: datetime
    kind: EventKind
    queue: QueueName | None
    details: Sequence[Detail]


Entry: TypeAlias = StartedAttempt | EndedAttempt | Group
"""What the ring holds: an event, or many at once."""


class Happening(Struct, frozen=True, gc=False):
    """One event. A GAP has the number of the last event that is missing, and no queue."""

    number: int
    time: datetime
    kind: EventKind
    queue: QueueName | None
    detail: Detail


def kind_of_entry(entry: Entry) -> EventKind:
    """The kind of the events of an entry."""
    if type(entry) is Group:
        return entry.kind
    return EventKind.ATTEMPT_STARTED if isinstance(entry, StartedAttempt) else EventKind.ATTEMPT_ENDED


def size_of(entry: Entry) -> int:
    """How many events an entry is."""
    return len(entry.details) if type(entry) is Group else 1


def happenings(entry: Entry, begin: int, end: int) -> list[Happening]:
    """The events of an entry, from the place ``begin`` in it to before ``end``."""
    if isinstance(entry, Group):
        return [
            Happening(entry.first + place, entry.time, entry.kind, entry.queue, entry.details[place])
            for place in range(begin, min(end, len(entry.details)))
        ]
    kind = EventKind.ATTEMPT_STARTED if isinstance(entry, StartedAttempt) else EventKind.ATTEMPT_ENDED
    return [Happening(entry.first, entry.time, kind, entry.queue, entry)] if begin < 1 <= end else []
