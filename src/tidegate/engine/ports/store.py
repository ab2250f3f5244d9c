"""Where queues and tasks are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from msgspec import Struct

from tidegate.core.bucket import Flow
from tidegate.core.lease import Lease, LeaseFilter
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue
from tidegate.core.task import Task

T = TypeVar("T")


class StoredQueue(Struct, frozen=True):
    """A queue as the store holds it.

    ``id`` is never given twice, so a queue made anew under an old name is another one. ``generation`` says which tasks
    are the queue's own: a purge starts the next.
    """

    queue: Queue
    flow: Flow
    id: int
    generation: int


class Verdict(Struct, frozen=True):
    """What an ended attempt made of its task: ``retry`` is the task to keep, None that it is gone."""

    task: Task
    retry: Task | None


class Settlement(Struct, frozen=True):
    """The verdicts on a queue's ended attempts. The names of tasks that are gone stay taken ``tombstones_until``."""

    queue: StoredQueue
    verdicts: Sequence[Verdict]
    tombstones_until: datetime


class Tally(Struct, frozen=True):
    """How many tasks a queue has, and the earliest schedule time among those that wait."""

    tasks: int
    next_due: datetime | None


class Wanted(Struct, frozen=True):
    """What a worker asks to lease: tasks that fit the ``filter``, ``limit`` at most, and no more than ``bytes_limit``
    of payload but for a single task. Tasks that were leased as often as they may be are buried instead, their names
    taken until ``tombstones_until``.
    """

    filter: LeaseFilter
    limit: int
    bytes_limit: int
    tombstones_until: datetime


class Reader(Protocol):
    """What can be asked of the store; one consistent state for all questions of one transaction."""

    def queue(self, name: QueueName) -> StoredQueue | None: ...

    def queues(self, parent: str, after: str, limit: int) -> list[StoredQueue]:
        """Queues under ``projects/P/locations/L`` whose IDs sort after ``after``, in the order of their IDs."""

    def locations(self, project: str, after: str = "", limit: int | None = None) -> list[str]:
        """IDs of the locations in which the project has queues, in the order of the queues' names: all, or ``limit`` of
        those behind the location ``after``.
        """

    def queue_name_taken(self, name: QueueName, now: datetime) -> bool:
        """Whether a queue of that name was deleted too recently."""

    def task(self, queue: StoredQueue, task_id: str, *, body: bool) -> Task | None:
        """One task; without ``body`` its body is left unread and empty."""

    def leases(self, queue: StoredQueue, task_ids: Sequence[str]) -> dict[str, Lease]:
        """How those of the pull tasks stand that are there."""

    def tasks(
        self, queue: StoredQueue, after: str, limit: int, *, body: bool, bytes_limit: int | None = None
    ) -> list[Task]:
        """Tasks whose IDs sort after ``after``, in the order of their IDs; with ``bytes_limit`` only so many that their
        targets and bodies stay below it, but one at least.
        """

    def has_tasks(self, queue: StoredQueue) -> bool: ...

    def entombed(self, queue: StoredQueue, task_ids: Sequence[str], now: datetime) -> set[str]:
        """Those of the IDs that a finished, deleted or purged task still holds."""

    def living(self, queue: StoredQueue, task_ids: Sequence[str]) -> set[str]:
        """Those of the IDs that a task has now."""

    def next_due(self, queue: StoredQueue) -> datetime | None:
        """The earliest schedule time among the tasks that wait for an attempt."""

    def tallies(self, queues: Sequence[StoredQueue]) -> list[Tally]:
        """What each of the queues holds, in their order. Takes no time over the tasks."""

    def backlog(self) -> list[tuple[QueueName, datetime]]:
        """Each queue in which tasks wait, with its earliest schedule time; one look-up a queue."""

    def document(self, kind: str, name: str, now: datetime) -> bytes | None:
        """A small value kept beside the queues (policies, operations, key configs), until it expires."""


class Transaction(Reader, Protocol):
    """What can be changed, all or nothing. Decide first, then write: whoever raises must not have written yet."""

    def add_queue(self, queue: Queue, flow: Flow) -> StoredQueue: ...

    def save_queue(self, stored: StoredQueue, queue: Queue) -> None:
        """New settings or state for a queue; its flow stays."""

    def save_flows(self, flows: Sequence[tuple[StoredQueue, Flow]]) -> None: ...

    def delete_queue(self, stored: StoredQueue, reserved_until: datetime) -> None:
        """Remove the queue, its tasks and tombstones; the name stays taken until then. Takes no time over the tasks."""

    def purge(self, stored: StoredQueue, queue: Queue, tombstones_until: datetime) -> None:
        """Remove all tasks, leaving their names taken until then, and save the queue. Takes no time over the tasks."""

    def add_tasks(self, queue: StoredQueue, tasks: Sequence[Task]) -> None:
        """Store new tasks."""

    def add_dispatched(self, queue: StoredQueue, tasks: Sequence[Task], now: datetime) -> list[Task]:
        """Store new tasks whose first attempts start ``now``; they come back as they are with these."""

    def due_tasks(self, asked: Sequence[tuple[StoredQueue, int]], now: datetime) -> list[list[Task]]:
        """Of each queue the first so many due tasks, as they are once they have been dispatched at ``now``, the attempt
        counted. Those with a ``Task.bulk`` may lack their bodies until ``fitting`` reads them.
        """

    def fitting(self, tasks: Sequence[Task], bulk: int) -> list[Task]:
        """The first of these due tasks of a queue, whole and with their ``Task.bulk`` known, as many as bring the sum
        of it to ``bulk`` at most; bodies of others are not read.
        """

    def mark_dispatched(self, tasks: Sequence[Task], now: datetime) -> None:
        """Note that attempts of these due tasks, of whatever queues, start now."""

    def force(self, queue: StoredQueue, task_id: str, now: datetime) -> Task | None:
        """Mark one task as dispatched, whatever its schedule time and even if an attempt is under way."""

    def lease(self, queue: StoredQueue, wanted: Wanted, now: datetime, until: datetime) -> list[Task]:
        """Lease the first due pull tasks ``until`` then; they come back with the lease counted."""

    def reschedule(self, queue: StoredQueue, task: Task, at: datetime) -> None:
        """Give a waiting task another schedule time."""

    def settle(self, settlements: Sequence[Settlement]) -> int:
        """Record ended attempts, each only if its attempt is still the newest; return how many were."""

    def remove(self, queue: StoredQueue, task_ids: Sequence[str], tombstones_until: datetime) -> set[str]:
        """Delete tasks by ID, leaving tombstones; return the IDs that were there."""

    def put_document(self, kind: str, name: str, value: bytes, expires: datetime | None = None) -> None: ...

    def drop_document(self, kind: str, name: str) -> None: ...

    def release(self, now: datetime) -> None:
        """Forget all attempts under way: their process is no more. Their tasks are due at once."""

    def sweep(self, now: datetime, limit: int) -> bool:
        """Do up to ``limit`` rows of clearing away: emptied queues, spent tombstones, tasks past their time to live.

        True when something is left to do.
        """

    def reset(self) -> None:
        """Forget everything: queues, tasks, taken names, documents."""


class Store(Protocol):
    async def read(self, look: Callable[[Reader], T]) -> T:
        """What ``look`` finds, of the newest committed state."""

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` in a transaction and return its answer once the transaction is safely on disk.

        If ``work`` raises, its exception is raised here and nothing is changed. If the commit fails, StoreError.
        """

    async def close(self) -> None: ...


class StoreError(Exception):
    """The store could not commit; nothing of the transaction is certain and none of it may be acknowledged."""


class StoreFullError(StoreError):
    """There is no room on the disk. Nothing was changed; reading and removing may go on, and so may all when there is
    room again.
    """
