"""What a database brings to be a store: statements, rows in and rows out, and nothing decided.

``StoreReader`` and ``StoreTransaction`` are the same over every database. Moments are microseconds since 1970. A queue
goes by its ``id``, its tasks by the ``generation`` they belong to and their ``seq``, which counts them in the order of
creation. Columns of bytes may come as bytes or as their hexadecimal digits, as it suits the database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from tidegate.storage.rows import DueRow, LeaseRow, Row
from tidegate.storage.shelf_tables import ShelfReadTables, ShelfTables


class Grave(NamedTuple):
    """The names of gone tasks of a queue, taken ``until`` then."""

    queue: int
    until: int
    task_ids: Sequence[str]


class ReadTables(ShelfReadTables, Protocol):
    """What can be looked up."""

    def queue(self, name: str) -> Row | None:
        """The ``rows.QUEUE_COLUMNS`` of a queue."""

    def queues(self, after: str, before: str, limit: int) -> Sequence[Row]:
        """The same of queues whose names are between these two, in the order of their names."""

    def first_queue_name(self, after: str, before: str) -> str | None: ...

    def is_reserved(self, name: str, now: int) -> bool:
        """Whether the name of a deleted queue is still taken."""

    def task(self, generation: int, task_id: str, *, body: bool) -> Row | None:
        """The ``rows.TASK_COLUMNS`` of a task, then its body, which is empty unless it was asked for."""

    def tasks(self, generation: int, after: str, limit: int, *, body: bool) -> Sequence[Row]:
        """The same of tasks whose IDs sort after ``after``, in the order of their IDs."""

    def tasks_in_line(
        self, generation: int, behind: tuple[int, int] | None, limit: int, *, latest_first: bool
    ) -> Sequence[Row]:
        """The ``rows.TASK_COLUMNS`` of tasks in the order of their places in line and then of ``seq``, and that place,
        a schedule time: those behind a place and a ``seq``; the other way round with ``latest_first``.
        """

    def leases(self, generation: int, task_ids: Sequence[str]) -> Sequence[tuple[str, int, int]]:
        """ID, schedule time and lease count of those of the pull tasks that are there."""

    def has_tasks(self, generation: int) -> bool: ...

    def entombed(self, queue: int, task_ids: Sequence[str], now: int) -> set[str]:
        """Those of the IDs that a tombstone or a purged task holds."""

    def living(self, generation: int, task_ids: Sequence[str]) -> set[str]: ...

    def next_due(self, generations: Sequence[int]) -> Sequence[int | None]:
        """Of each generation the earliest schedule time among the tasks that wait for an attempt."""

    def waiting_before(self, generation: int, schedule_time: int, seq: int, limit: int) -> Sequence[int]:
        """The schedule times of the first waiting tasks that come before this place in the order of schedule times and
        then ``seq``.
        """

    def tallies(self, generations: Sequence[int]) -> Sequence[tuple[int, int, int | None]]:
        """Generation, number of tasks and earliest schedule time of those that wait, of each generation there is."""

    def due_count(self, generation: int, now: int, most: int) -> int:
        """How many tasks wait for an attempt and are due, ``most`` at most."""

    def later_count(self, generation: int, now: int, most: int) -> int:
        """How many tasks wait and are not due yet, ``most`` at most."""

    def leased_count(self, generation: int, now: int, most: int) -> int:
        """How many of the first ``most`` pull tasks that are not due yet have been leased."""

    def backlog(self) -> Sequence[tuple[str, int]]:
        """Name and earliest schedule time of each queue in which tasks wait."""

    def document(self, kind: str, name: str, now: int) -> bytes | None: ...

    def documents(self, kind: str, after: str, before: str, limit: int, now: int) -> Sequence[tuple[str, bytes]]:
        """Name and value of documents whose names are between these two, in the order of their names."""


class Tables(ReadTables, ShelfTables, Protocol):
    """What can be written. Statements that touch many rows touch them in one step."""

    # Queues

    def insert_queue(self, name: str, settings: bytes, flow: Row) -> int:
        """Insert a queue without a generation, with these ``rows.flow_columns``; return its ID."""

    def save_settings(self, queue: int, settings: bytes) -> None: ...

    def save_flows(self, flows: Sequence[tuple[int, Row]]) -> None:
        """The ``rows.flow_columns`` of queues."""

    def delete_queue(self, queue: int) -> None: ...

    def reserve_name(self, name: str, until: int) -> None: ...

    def free_name(self, name: str) -> None: ...

    def open_generation(self, queue: int) -> int:
        """Begin a generation of tasks, the queue's own from now on."""

    def close_generation(self, generation: int, tombstones_until: int) -> None:
        """The tasks of a generation are no more; their names stay taken until then, 0 for not at all."""

    # Tasks

    def last_seq(self) -> int:
        """The highest ``seq`` that was given, 0 for none."""

    def insert_tasks(self, values: Sequence[Any], dispatched_at: int | None) -> None:
        """Insert tasks, ``rows.INSERTED`` values each, one after the other. With ``dispatched_at`` their first attempts
        start then.
        """

    def count_tasks(self, more: Mapping[int, int]) -> None:
        """Note how many tasks more each of these generations has."""

    def due(self, asked: Sequence[tuple[int, int]], now: int) -> list[Sequence[DueRow]]:
        """Of each generation and limit the first so many waiting tasks that are due, as ``rows.DUE_COLUMNS``, by
        schedule time and then by ``seq``.
        """

    def leasable(self, generation: int, tag: str | None, now: int, limit: int) -> Sequence[LeaseRow]:
        """The first pull tasks that are due, of a tag unless it is None, as ``rows.LEASE_COLUMNS``, in the same
        order.
        """

    def bodies(self, seqs: Sequence[int]) -> Mapping[int, bytes]:
        """The bodies of tasks that ``due`` or ``leasable`` left unread."""

    def mark_dispatched(self, seqs: Sequence[int], now: int) -> None:
        """Count an attempt more of each task, the first at ``now`` unless there was one; it is under way since then."""

    def mark_leased(self, seqs: Sequence[int], until: int) -> None:
        """Count a lease more of each task, which is due again ``until`` then; it is not marked as the last."""

    def mark_last_leases(self, seqs: Sequence[int], *, last: bool) -> None: ...

    def reschedule(self, seq: int, at: int) -> None: ...

    def retry(self, retries: Sequence[Row]) -> int:
        """End attempts whose tasks are to be tried again: schedule time, ``response_count``, ``answer_count``, last
        attempt (bytes), ``seq`` and the number of the attempt, which must be the newest. Returns how many were.
        """

    def newest(self, seqs: Sequence[int], attempt: int) -> set[int]:
        """Those of the tasks that are there and whose newest attempt has this number."""

    def count_newest(self, seqs: Sequence[int], attempt: int) -> int:
        """How many of the tasks are there with this number of attempts."""

    def delete_newest(self, seqs: Sequence[int], attempt: int) -> int:
        """Delete the tasks whose newest attempt has this number, but for bodies that are kept apart; return how many
        were there.
        """

    def existing(self, seqs: Sequence[int]) -> set[int]:
        """Those of the tasks that are there."""

    def drop_bodies(self, seqs: Sequence[int]) -> None:
        """Delete the bodies of tasks that are gone, where they are kept apart."""

    def remove(self, generation: int, task_ids: Sequence[str]) -> list[str]:
        """Delete tasks with their bodies; return the IDs that were there."""

    def entomb(self, graves: Sequence[Grave]) -> None:
        """Keep the names of gone tasks taken."""

    def last_leases(self, now: int, limit: int) -> Sequence[Row]:
        """``rows.TASK_COLUMNS``, then the queue's name, of tasks whose marked last lease has run out."""

    def ages(self, after: int, limit: int) -> Sequence[tuple[int, str, int, str | None]]:
        """``seq``, ID, creation time and queue's name, None for those of closed generations, of the first tasks after a
        ``seq``.
        """

    # The rest

    def put_document(self, kind: str, name: str, value: bytes, expires: int | None) -> None: ...

    def drop_document(self, kind: str, name: str) -> None: ...

    def release(self, now: int, limit: int) -> Sequence[Row]:
        """No queue counts an attempt under way, and up to ``limit`` tasks that have one are due at ``now``, unless they
        were before. Returns ``rows.TASK_COLUMNS`` as they were, then the queue's name, None for closed generations.
        """

    def closed_generation(self) -> tuple[int, int, int] | None:
        """A closed generation, its queue and until when the names of its tasks stay taken."""

    def empty_generation(self, generation: int, limit: int) -> list[str]:
        """Delete so many of its tasks with their bodies; return their IDs."""

    def drop_generation(self, generation: int) -> None: ...

    def clear_spent(self, now: int, limit: int) -> bool:
        """Delete up to ``limit`` each of tombstones, reserved names and documents whose time is over; True when some
        may be left.
        """

    def reset(self) -> None:
        """Delete every row."""
