"""What a database brings to keep attempts and dead tasks: statements, rows in and rows out, and nothing decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, TypeAlias

AttemptRow: TypeAlias = tuple[int, str, int, int | None, bytes]
"""A kept attempt: generation, task, number, when it expires, and the record. It expires None while its task is there.
A plain tuple, for there are as many as attempts.
"""


class DeadRow(NamedTuple):
    """A dead task. ``size`` is in bytes of the blobs; without its body and attempts these are empty."""

    id: int
    task: str
    expires: int
    size: int
    record: bytes
    body: bytes
    attempts: bytes


class CountsRow(NamedTuple):
    """What attempts have left in the row of a task."""

    dispatch_count: int
    response_count: int
    answer_count: int
    first_dispatch_at: int | None
    last_attempt: bytes | None
    task: str


class Shelf(NamedTuple):
    """How many tasks a shelf holds, and the bytes of their blobs."""

    tasks: int
    size: int


class ShelfReadTables(Protocol):
    """What can be looked up."""

    def attempts(
        self, generation: int, task: str | None, before: int | None, limit: int
    ) -> Sequence[tuple[int, str, bytes]]:
        """ID, task and record of kept attempts of a task, None: of all tasks; newest first, those before an ID."""

    def dead(self, queue: int, before: int | None, after: int | None, limit: int) -> Sequence[DeadRow]:
        """Dead tasks without bodies and attempts: with ``after`` those after that ID, oldest first, else newest first,
        those before an ID.
        """

    def dead_by_id(self, queue: int, dead_ids: Sequence[int], *, whole: bool) -> Sequence[DeadRow]:
        """Those of the dead tasks that are there, by their IDs; unless ``whole`` without bodies and attempts."""

    def dead_of(self, queue: int, task: str, limit: int) -> Sequence[DeadRow]:
        """The newest dead tasks with this task ID, without bodies."""

    def dead_with_attempts(self, queue: int, up_to: int | None, limit: int) -> Sequence[DeadRow]:
        """Dead tasks without bodies, newest first, whose IDs are not above ``up_to``."""

    def shelf(self, queue: int) -> Shelf: ...

    def shelves(self, queues: Sequence[int]) -> Mapping[int, Shelf]:
        """Those of these queues that have held something."""


class ShelfTables(ShelfReadTables, Protocol):
    """What can be written. ``size`` is in bytes of blobs."""

    # Attempts

    def insert_attempts(self, rows: Sequence[AttemptRow]) -> None: ...

    def add_attempts_size(self, more: Mapping[int, int]) -> Mapping[int, int]:
        """Note how many bytes more the attempts of each generation take; returns what they take now."""

    def drop_attempts(self, generation: int, tasks: Sequence[str]) -> int:
        """Delete the attempts of these tasks; return their bytes."""

    def drop_outdated_attempts(self, generation: int, task: str, number: int) -> int:
        """Delete the attempts of a task up to this number; return their bytes."""

    def drop_oldest_attempts(self, generation: int, size: int) -> int:
        """Delete the oldest attempts that take this many bytes together, or a little more; return their bytes."""

    def expire_attempts(self, generation: int, tasks: Sequence[str], expires: int) -> None:
        """The attempts of these tasks expire then, unless they do already."""

    def take_attempts(self, generation: int, tasks: Sequence[str]) -> Sequence[tuple[str, bytes]]:
        """Delete the attempts of these tasks; return task and record of each, oldest first."""

    def empty_attempts(self, generation: int, limit: int) -> int:
        """Delete so many of the attempts of a closed generation; return how many were there."""

    # Dead tasks

    def insert_dead(self, queue: int, rows: Sequence[DeadRow]) -> None:
        """Insert dead tasks, whose IDs the database gives in their order."""

    def add_to_shelf(self, queue: int, tasks: int, size: int) -> Shelf:
        """Note what the shelf of a queue holds more; return what it holds now."""

    def drop_oldest_dead(self, queue: int, tasks: int, size: int) -> Shelf:
        """Delete the oldest dead tasks: this many, and as many more as it takes for so many bytes. Returns what is
        gone.
        """

    def drop_dead(self, queue: int, dead_ids: Sequence[int]) -> Shelf:
        """Delete those of the dead tasks that are there. Returns what is gone."""

    def free_task_names(self, queue: int, tasks: Sequence[str]) -> None:
        """Delete the tombstones of these tasks."""

    def restore_counts(self, generation: int, rows: Sequence[CountsRow]) -> None:
        """Save these columns of tasks."""

    def drop_shelf(self, queue: int) -> None:
        """The shelf of a queue is no more: ``clear_shelves`` deletes what is on it."""

    def clear_shelves(self, now: int, limit: int) -> bool:
        """Delete up to ``limit`` each of expired attempts, expired dead tasks, and dead tasks of shelves that are no
        more; True when some may be left.
        """
