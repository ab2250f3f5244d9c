"""What happens, for those who listen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from msgspec import Struct

from tidegate.core.lifecycle import Outcome
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue
from tidegate.core.task import Task


class Event(Struct, frozen=True):
    """Something that happened; subclasses say what. Listeners must be quick and must not raise."""


# Events bring what the engine has in hand anyway, so that telling nobody costs nothing. Do not keep their tasks: some
# hold a megabyte of body.


class TasksCreated(Event, frozen=True):
    queue: Queue
    tasks: Sequence[Task]
    at: datetime


class TasksDeleted(Event, frozen=True):
    """Tasks that a caller deleted, by their IDs."""

    queue: Queue
    task_ids: Sequence[str]
    at: datetime


class AttemptStarted(Event, frozen=True):
    queue: Queue
    task: Task
    at: datetime


class AttemptEnded(Event, frozen=True):
    """``task`` is as it was while the attempt was under way."""

    queue: Queue
    task: Task
    outcome: Outcome
    took: timedelta
    at: datetime


class QueueChanged(Event, frozen=True):
    queue: QueueName


class QueueDeleted(Event, frozen=True):
    """A queue that is no more, nor are its tasks. Attempts of it that are under way still end."""

    queue: QueueName


class AllDeleted(Event, frozen=True):
    """The same of every queue: the engine was reset."""


class Events(Protocol):
    def emit(self, event: Event) -> None: ...
