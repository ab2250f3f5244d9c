"""Where queues and tasks are kept."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeVar

from msgspec import Struct

from tidegate.core.bucket import Flow
from tidegate.core.lease import Lease
from tidegate.core.lifecycle import Outcome
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue
from tidegate.core.queue_numbers import WaitingCounts
from tidegate.core.task import Target, Task
from tidegate.engine.ports.shelf import ShelfReader, ShelfTransaction

T = TypeVar("T")


class StoredQueue(Struct, frozen=True, gc=False):
    """A queue as the store holds it.

    ``id`` is never given twice, so a queue made anew under an old name is another one. ``key`` says how the store finds
    the queue's tasks; opaque to everyone else.
    """

    queue: Queue
    flow: Flow
    id: int
    key: Any


class Verdict(Struct, frozen=True):
    """What an ended attempt made of its task: ``retry`` is the task to keep, None that it is gone."""

    task: Task
    retry: Task | None


class EndedAttempts(Struct, frozen=True):
    """Attempts of a queue that are over: the verdicts on their tasks, and how many ``places`` among those under way
    they give back, which is more where no verdict was reached on some.

    The names of tasks that are gone stay taken ``tombstones_until``. ``answers`` are what the queue's throttle learns
    from, none where it is off; ``latest`` is when the last of the attempts ended.
    """

    queue: StoredQueue
    verdicts: Sequence[Verdict]
    places: int
    tombstones_until: datetime
    latest: datetime
    answers: Sequence[tuple[Target, Outcome]] = ()


class Added(Struct, frozen=True):
    """New tasks that were stored, with their keys, and the IDs of those that were not: another node took them first."""

    tasks: list[Task]
    taken: Collection[str] = ()


class PlaceInLine(NamedTuple):
    """Where a task stands in the order of schedule times, the order of creation where these are equal. ``at`` is in
    microseconds since 1970.
    """

    at: int
    number: int


class Released(Struct, frozen=True):
    """Attempts of a node that is no more, which nobody ends any more: their queues, and their tasks without bodies as
    they stood while the attempts were under way. ``left`` says that the node has more of them.
    """

    attempts: Sequence[tuple[StoredQueue, Task]]
    left: bool


class Mark(Struct, frozen=True):
    """A task of a queue that a node has under way, by its key, and the attempt's number."""

    queue: int
    key: Any
    attempt: int


class Tally(Struct, frozen=True, gc=False):
    """How many tasks a queue has, and the earliest schedule time among those that wait."""

    tasks: int
    next_due: datetime | None


class DueTasks(Struct, frozen=True):
    """Tasks of a queue that are due, by their schedule times and then as they were created, and the bytes that each
    holds. Long bodies are left unread until ``Transaction.with_bodies`` is asked for them.
    """

    tasks: list[Task]
    sizes: list[int]


class StoredAge(Struct, frozen=True):
    """How old a task is, without the rest of it. ``queue`` is None when the task was purged or its queue deleted.

    ``key`` says where the task stands in the order of creation; opaque to everyone but the store.
    """

    queue: StoredQueue | None
    task_id: str
    create_time: datetime
    key: Any


class Reader(ShelfReader, Protocol):
    """What can be asked of the store; one consistent state for all questions of one transaction."""

    def queue(self, name: QueueName) -> StoredQueue | None: ...

    def queues(self, parent: str, after: str, limit: int) -> list[StoredQueue]:
        """Queues under ``projects/P/locations/L`` whose IDs sort after ``after``, in the order of their IDs."""

    def queues_under(self, under: str, after: str, limit: int) -> list[StoredQueue]:
        """Queues whose names begin with ``under`` and sort after the name ``after``, in the order of their names."""

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

    def tasks_in_line(
        self, queue: StoredQueue, behind: PlaceInLine | None, limit: int, *, latest_first: bool
    ) -> list[tuple[Task, PlaceInLine]]:
        """Tasks without bodies in the order of their schedule times, or the other way round: the first ``limit`` of
        those behind a place. A store that many share places a task that was late when it was written at that time.
        """

    def has_tasks(self, queue: StoredQueue) -> bool: ...

    def entombed(self, queue: StoredQueue, task_ids: Sequence[str], now: datetime) -> set[str]:
        """Those of the IDs that a finished, deleted or purged task still holds."""

    def living(self, queue: StoredQueue, task_ids: Sequence[str]) -> set[str]:
        """Those of the IDs that a task has now."""

    def next_due(self, queues: Sequence[StoredQueue]) -> list[datetime | None]:
        """Of each queue the earliest schedule time among the tasks that wait for an attempt."""

    def waiting_before(self, queue: StoredQueue, task: Task, limit: int) -> list[datetime]:
        """The schedule times of the tasks that wait for an attempt and come before this one of the queue, in their
        order: the first ``limit`` of them.
        """

    def tallies(self, queues: Sequence[StoredQueue]) -> list[Tally]:
        """What each of the queues holds, in their order. Takes no time over the tasks."""

    def waiting_counts(self, queues: Sequence[StoredQueue], now: datetime, most: int) -> list[WaitingCounts]:
        """Of each queue how many tasks wait, ``most`` of each kind. Takes time over the tasks that it counts."""

    def backlog(
        self, wanted: Callable[[QueueName], bool] | None = None, *, whole: bool = False
    ) -> list[tuple[StoredQueue, datetime]]:
        """Each queue, or each ``wanted`` one, in which tasks wait, with its earliest schedule time; one look-up a
        queue. ``whole``: a store that remembers where each queue's line begins looks before that, too.
        """

    def document(self, kind: str, name: str, now: datetime) -> bytes | None:
        """A small value kept beside the queues (policies, operations, key configs), until it expires."""

    def documents(self, kind: str, under: str, after: str, limit: int, now: datetime) -> list[tuple[str, bytes]]:
        """Names and values of those of a kind whose names begin with ``under`` and sort after ``after``, in the order
        of their names.
        """


class Transaction(Reader, ShelfTransaction, Protocol):
    """What can be changed, all or nothing. Decide first, then write: whoever raises must not have written yet.

    Which tasks to take and what becomes of them is decided by ``core`` and ``engine``; the store keeps what they say.
    """

    def held(self, queue: QueueName) -> bool:
        """Whether this transaction may use the queue's limits: save its flow, mark its tasks as dispatched. Not while
        another node holds the queue.
        """

    def add_queue(self, queue: Queue, flow: Flow) -> StoredQueue: ...

    def save_queue(self, stored: StoredQueue, queue: Queue) -> None:
        """New settings or state for a queue; its flow stays."""

    def save_flows(self, flows: Sequence[tuple[StoredQueue, Flow]]) -> None: ...

    def delete_queue(self, stored: StoredQueue, reserved_until: datetime) -> None:
        """Remove the queue, its tasks, shelf and tombstones; the name stays taken until then. Takes no time over the
        tasks.
        """

    def purge(self, stored: StoredQueue, queue: Queue, tombstones_until: datetime) -> None:
        """Remove all tasks, leaving their names taken until then, and save the queue; its shelf stays. Takes no time
        over the tasks.
        """

    def add_tasks(self, queue: StoredQueue, tasks: Sequence[Task]) -> Collection[str]:
        """Store new tasks. Returns the IDs of those that were not stored, for another node took their IDs first."""

    def add_dispatched(self, queue: StoredQueue, tasks: Sequence[Task], now: datetime) -> Added:
        """Store new tasks that are ``Task.dispatched`` at ``now``, of a queue that is ``held``."""

    def due_tasks(self, asked: Sequence[tuple[StoredQueue, int]], now: datetime) -> list[DueTasks]:
        """Of each queue the first so many tasks that wait for an attempt and are due. A task's size is that of its
        settings and its body. Nobody else takes these tasks before the transaction ends.
        """

    def with_bodies(self, tasks: list[Task]) -> list[Task]:
        """These due tasks, of whatever queues, with the bodies that were left unread."""

    def mark_dispatched(self, tasks: Sequence[Task], now: datetime) -> None:
        """Save these tasks, of whatever queues, as ``Task.dispatched`` made them at ``now``: by this node."""

    def leasable(self, queue: StoredQueue, tag: str | None, now: datetime, limit: int) -> DueTasks:
        """The first ``limit`` pull tasks that are due, those with ``tag`` unless it is None. A task's size is that of
        its payload.
        """

    def mark_leased(self, tasks: Sequence[Task], until: datetime, last: Sequence[Task]) -> None:
        """Save these tasks of a queue as ``Task.leased`` made them, ``until`` then. For those in ``last`` it is the
        last lease: ``last_leases`` finds them once it has run out.
        """

    def last_leases(self, now: datetime, limit: int) -> list[tuple[StoredQueue, Task]]:
        """Tasks whose last lease has run out, without their bodies, ``limit`` at most over all queues."""

    def allow_leases(self, tasks: Sequence[Task]) -> None:
        """Note that these tasks, of whatever queues, may be leased again: ``last_leases`` finds them no longer."""

    def ages(self, after: Any | None, limit: int) -> list[StoredAge]:
        """The oldest ``limit`` tasks over all queues, in the order of creation, after the ``StoredAge.key`` of another
        one.
        """

    def reschedule(self, task: Task, at: datetime) -> None:
        """Give a waiting task another schedule time."""

    def ended(self, attempts: Sequence[EndedAttempts]) -> list[Verdict]:
        """Record ended attempts of this node, each only if it is still its task's newest, and give their places back.

        Returns the verdicts that did not count: a newer attempt was started, or a task that was to be tried again is
        gone. When the places are seen to be free, the store decides: at once, or with the node's next claim of the
        queue. Until then more attempts seem to be under way than are, never fewer.
        """

    def still_under_way(self, tasks: Sequence[Task]) -> set[str]:
        """The IDs of those of the tasks, of one queue, that are there and have started no newer attempt."""

    def remove(self, queue: StoredQueue, task_ids: Sequence[str], tombstones_until: datetime) -> set[str]:
        """Delete tasks by ID, leaving tombstones; return the IDs that were there."""

    def put_document(self, kind: str, name: str, value: bytes, expires: datetime | None = None) -> None: ...

    def drop_document(self, kind: str, name: str) -> None: ...

    def marked(self, node: int, limit: int) -> list[Mark]:
        """Up to so many of the tasks that a node has under way, as the store knows it."""

    def release_marked(self, marks: Sequence[Mark], now: datetime) -> int:
        """Let those of the tasks wait, due now, of which this node has that attempt under way; how many did."""

    def release(self, node: int, now: datetime, limit: int) -> Released:
        """Forget up to ``limit`` attempts under way of a node that is no more: their tasks are due at once. When none
        is left, the node itself is forgotten. Those of purged and deleted queues are not told of.
        """

    def clear(self, now: datetime, limit: int) -> bool:
        """Do up to ``limit`` rows of each kind of clearing away: tasks of purged and deleted queues, names,
        documents, kept attempts and dead tasks whose time is over. True when something is left to do.
        """

    def reset(self) -> None:
        """Forget everything: queues, tasks, taken names, documents."""


class Store(Protocol):
    async def read(self, look: Callable[[Reader], T]) -> T:
        """What ``look`` finds, of the newest committed state."""

    async def write(
        self,
        work: Callable[[Transaction], T],
        *,
        holds: Collection[QueueName] = (),
        changes: Collection[QueueName] = (),
    ) -> T:
        """Run ``work`` in a transaction and return its answer once the transaction is safely on disk.

        Where several nodes share a store, only one at a time uses a queue's limits or changes the queue. ``holds``
        names the queues whose limits the work would use if it can: ``Transaction.held`` says of which it may.
        ``changes`` names those that it has to have, to save, purge or delete them or to count an attempt that nothing
        limits: it waits for these.

        If ``work`` raises, its exception is raised here and nothing is changed. If the commit fails, StoreError.

        ``work`` may run twice: a transaction that others spoiled, or that found the disk full, is rolled back and tried
        again. Only the answer of the run that was committed counts. So ``work`` changes nothing but the transaction: no
        value of its caller's, no counter, no event. What follows from it, the caller does with its answer.
        """

    async def close(self) -> None: ...


class StoreError(Exception):
    """The store could not commit; nothing of the transaction is certain and none of it may be acknowledged."""


class StoreFullError(StoreError):
    """There is no room on the disk. Nothing was changed; reading and removing may go on, and so may all when there is
    room again.
    """


class StoreAwayError(StoreError):
    """The store cannot be reached, or a commit was not answered and nothing more can be found out: try again."""


class FencedError(StoreError):
    """The other nodes took this one for dead: nothing was changed, and nothing that it has under way counts any more.
    It has to forget its attempts and join anew.
    """
