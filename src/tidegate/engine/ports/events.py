"""What happens, for those who listen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from msgspec import Struct

from tidegate.core.access.accounts import AccountKey, ServiceAccount
from tidegate.core.dead_letters import DeathReason
from tidegate.core.lifecycle import Judgement, Outcome, response_status
from tidegate.core.names import QueueName, TaskName
from tidegate.core.policy import Policy
from tidegate.core.queue import Queue
from tidegate.core.task import Status, Task


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


class TasksLeased(Event, frozen=True):
    """A worker leased so many tasks of a pull queue, one at least."""

    queue: QueueName
    count: int


class TasksAcknowledged(Event, frozen=True):
    """Workers were done with so many tasks of a pull queue, one at least."""

    queue: QueueName
    count: int


class AttemptStarted(Event, frozen=True):
    queue: Queue
    task: Task
    at: datetime


class AttemptEnded(Event, frozen=True):
    """Told once the outcome is recorded. ``task`` and ``queue`` are as they were while the attempt was under way.

    ``judgement`` is what became of the task: delivered, to be tried again at the ``schedule_time`` of the task in it,
    or given up because of a limit. None: the outcome did not count, for the task was deleted, a newer attempt of it was
    started, or the store could not record it.
    """

    queue: Queue
    task: Task
    outcome: Outcome
    judgement: Judgement | None
    took: timedelta
    at: datetime

    @property
    def status(self) -> Status:
        """``Attempt.response_status`` of the attempt."""
        return response_status(self.outcome)


class TaskDied(Event, frozen=True):
    """A task was given up. ``shelved``: it lies on the shelf of its queue now."""

    queue: QueueName
    task: TaskName
    reason: DeathReason
    shelved: bool
    at: datetime


class QueueChanged(Event, frozen=True):
    """A queue is another than before. ``change`` says in a few words what was done."""

    queue: QueueName
    change: str


class QueueDeleted(Event, frozen=True):
    """A queue that is no more, nor are its tasks. Attempts of it that are under way still end."""

    queue: QueueName


class PolicyChanged(Event, frozen=True):
    """The IAM policy of a resource is another one: of ``server``, a project, a queue or a service account."""

    resource: str
    policy: Policy


class AccountChanged(Event, frozen=True):
    """A service account was made, or is ``gone`` with its keys and its policy."""

    account: ServiceAccount
    gone: bool = False


class KeyChanged(Event, frozen=True):
    """A key of a service account was made, or is ``gone``."""

    key: AccountKey
    gone: bool = False


class AllDeleted(Event, frozen=True):
    """The same of every queue: the engine was reset."""


class Events(Protocol):
    def emit(self, event: Event) -> None: ...
