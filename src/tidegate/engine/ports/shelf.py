"""What the store keeps of attempts that have ended and of tasks that were given up: the shelf of each queue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from tidegate.core.attempt_record import AttemptRecord
from tidegate.core.dead_letters import DeadTask
from tidegate.core.task import Task

if TYPE_CHECKING:
    from tidegate.engine.ports.store import StoredQueue


class KeptAttempt(Struct, frozen=True):
    """An attempt to be kept ``until`` then, None: as long as its task. The attempts of its task whose numbers are not
    above ``outdated`` go.
    """

    queue: StoredQueue
    task_id: str
    record: AttemptRecord
    until: datetime | None
    outdated: int


class StoredAttempt(Struct, frozen=True, gc=False):
    """An attempt that was kept. ``place`` rises in the order in which attempts were kept."""

    task_id: str
    record: AttemptRecord
    place: int


class ShelfTally(Struct, frozen=True, gc=False):
    """How many dead tasks a queue has on its shelf, and how many bytes they take."""

    tasks: int = 0
    size: int = 0


class ShelfReader(Protocol):
    """What can be looked up."""

    def attempts(
        self, queue: StoredQueue, task_id: str | None, before: int | None, limit: int
    ) -> Sequence[StoredAttempt]:
        """Kept attempts of a task, or of all tasks of the queue, newest first; those before a place unless it is None.
        Not those of dead tasks, which lie with these.
        """

    def dead_tasks(
        self, queue: StoredQueue, limit: int, *, before: int | None = None, after: int | None = None
    ) -> Sequence[DeadTask]:
        """Dead tasks by their IDs, without bodies and with the last of their attempts alone: the newest first, those
        ``before`` an ID; with ``after`` the oldest first, those after an ID.
        """

    def dead_tasks_by_id(self, queue: StoredQueue, dead_ids: Sequence[int], *, whole: bool) -> Sequence[DeadTask]:
        """Those of the dead tasks that are there, oldest first; unless ``whole`` as ``dead_tasks`` gives them."""

    def dead_tasks_of(self, queue: StoredQueue, task_id: str, limit: int) -> Sequence[DeadTask]:
        """The newest dead tasks that had this task ID, with their attempts and without bodies."""

    def dead_tasks_with_attempts(self, queue: StoredQueue, up_to: int | None, limit: int) -> Sequence[DeadTask]:
        """Dead tasks with their attempts and without bodies, newest first: those whose IDs are not above ``up_to``."""

    def shelf(self, queue: StoredQueue) -> ShelfTally:
        """What the queue's shelf holds. Takes no time over the tasks."""

    def shelves(self, queues: Sequence[StoredQueue]) -> Sequence[ShelfTally]:
        """The same of many queues, in their order."""


class ShelfTransaction(ShelfReader, Protocol):
    """What can be written. A full disk keeps nothing: shelf and attempts are left out then, and tasks go on."""

    def keep_attempts(self, attempts: Sequence[KeptAttempt], size_max: int) -> None:
        """Keep these attempts. The kept attempts of a queue take ``size_max`` bytes at most: the oldest go first."""

    def end_attempts(self, queue: StoredQueue, task_ids: Sequence[str], until: datetime | None) -> None:
        """These tasks are gone: their kept attempts stay ``until`` then, None: they go too."""

    def shelve(self, queue: StoredQueue, dead: Sequence[DeadTask], most: ShelfTally) -> set[str]:
        """Put tasks that are gone on the shelf, with the attempts that were kept of them before those that they bring.
        The shelf holds ``most`` at most: the oldest go first, and what is larger than all of it is left out. Returns
        the IDs of those that were put there.
        """

    def drop_dead(self, queue: StoredQueue, dead_ids: Sequence[int]) -> int:
        """Take those of the dead tasks off the shelf that are there; returns how many were."""

    def free_task_names(self, queue: StoredQueue, task_ids: Sequence[str]) -> None:
        """The names of these gone tasks are free again."""

    def restore_counts(self, queue: StoredQueue, tasks: Sequence[Task]) -> None:
        """Give new tasks the counts and the last attempt that they bring."""
