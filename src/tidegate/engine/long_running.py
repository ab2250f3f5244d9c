"""Work that takes longer than a call: begun by one, done in steps, and taken up again after a restart.

The operation is a document in the store. Each step is one transaction that changes some entries (tasks, dead tasks) and
writes into the document how far it has come, so a step is done once, whenever the process ends.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tidegate.core.errors import ApiError
from tidegate.core.names import OperationName, QueueName
from tidegate.engine.ports.store import Reader, Transaction

UNFINISHED: Final = "long_running"
ENDED: Final = "long_running_ended"
"""The kinds of their documents: a start reads only those that are to be gone on with."""

KEPT_FOR: Final = timedelta(hours=24)  # after its end, as long as the operations of batches
FAILURES_KEPT: Final = 100
"""Failures that an operation lists; the rest it counts."""

CANCELLED_TEXT: Final = "The operation was cancelled."


class Failure(Struct, frozen=True, array_like=True):
    """An entry that could not be changed, by its name, and why not."""

    name: str
    code: int
    message: str

    @classmethod
    def of(cls, name: str, error: ApiError) -> Failure:
        return cls(str.__str__(name), int(error.code), error.message)


class Progress(Struct, frozen=True, array_like=True):
    """How far an operation has come: entries looked at, those that it was to change, that it changed, and that it could
    not change. ``total`` is how many there were to look at when it began, None when nobody counted.
    """

    total: int | None = None
    scanned: int = 0
    matched: int = 0
    changed: int = 0
    failed: int = 0


class LongRunning(Struct, frozen=True):
    """An operation as the store holds it.

    ``kind`` says what it does, ``parent`` to which queue, ``request`` with which request, as bytes of its caller's.
    ``position`` is the last entry it has looked at. ``error`` is why it ended early; its ``name`` is the operation's.
    ``owner`` is the process that does it.
    """

    name: str
    kind: str
    parent: str
    request: bytes
    owner: str
    start_time: datetime
    progress: Progress = Progress()
    position: str = ""
    failures: tuple[Failure, ...] = ()
    end_time: datetime | None = None
    error: Failure | None = None

    @property
    def queue(self) -> QueueName:
        """The queue it works on."""
        return QueueName(self.parent)

    @property
    def done(self) -> bool:
        return self.end_time is not None

    def ended(self, now: datetime, error: ApiError | None = None) -> LongRunning:
        """The operation once it has ended, with an error if it did not come to its end."""
        return replace(self, end_time=now, error=None if error is None else Failure.of(self.name, error))


class Found(Struct, frozen=True):
    """What one look found: the entries to change, how many it looked at, and where the next look begins. ``end`` says
    that there is nothing behind it.
    """

    entries: Sequence[Any]
    scanned: int
    position: str
    end: bool


class Changed(Struct, frozen=True):
    """What one step did. ``told`` is what ``Worker.committed`` needs to know, opaque to everyone else."""

    changed: int
    failures: Sequence[Failure] = ()
    told: Any = None


class Worker(Protocol):
    """What an operation of some kind does. ``total``, ``look`` and ``change`` may run twice, in transactions."""

    def room(self, operation: LongRunning) -> int:
        """How many entries a step may change now; 0 lets the operation wait a little."""

    def total(self, reader: Reader, operation: LongRunning) -> int | None:
        """How many entries there are to look at. Raises an ApiError when the operation cannot begin."""

    def changes(self, operation: LongRunning) -> Collection[QueueName]:
        """The queues that a step has to have: ``Store.write`` says for what."""

    def look(self, reader: Reader, operation: LongRunning, position: str, limit: int) -> Found:
        """The entries after ``position`` that are to be changed, ``limit`` at most. Looks at some hundred entries and
        changes nothing. An ApiError ends the operation.
        """

    def change(self, tx: Transaction, operation: LongRunning, entries: Sequence[Any], now: datetime) -> Changed:
        """Change what was found, as far as it is still there and as it was. An ApiError ends the operation."""

    def committed(self, operation: LongRunning, changed: Changed) -> None:
        """The step is on disk: tell listeners, wake who waits."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(LongRunning)


def load(reader: Reader, name: str, now: datetime) -> LongRunning | None:
    """The operation of this name, None when there is none or its time is over."""
    name = str.__str__(name)
    value = reader.document(UNFINISHED, name, now) or reader.document(ENDED, name, now)
    return None if value is None else _decoder.decode(value)


def load_unfinished(reader: Reader, name: str, now: datetime) -> LongRunning | None:
    """The same of an operation that has not ended."""
    value = reader.document(UNFINISHED, name, now)
    return None if value is None else _decoder.decode(value)


def load_all(reader: Reader, under: str, after: str, limit: int, now: datetime) -> list[LongRunning]:
    """Operations whose names begin with ``under`` and sort after ``after``, in the order of their names."""
    found = [value for kind in (UNFINISHED, ENDED) for value in reader.documents(kind, under, after, limit, now)]
    return [_decoder.decode(value) for _, value in sorted(found)[:limit]]


def load_all_unfinished(reader: Reader, limit: int, now: datetime) -> list[LongRunning]:
    """All operations that have not ended, ``limit`` at most."""
    return [_decoder.decode(value) for _, value in reader.documents(UNFINISHED, "", "", limit, now)]


def save(tx: Transaction, operation: LongRunning) -> None:
    """Store the operation: until it has ended, and for a day after that."""
    value = _encoder.encode(operation)
    if operation.end_time is None:
        tx.put_document(UNFINISHED, operation.name, value)
    else:
        tx.drop_document(UNFINISHED, operation.name)
        tx.put_document(ENDED, operation.name, value, operation.end_time + KEPT_FOR)


def stepped(operation: LongRunning, found: Found, changed: Changed) -> LongRunning:
    """The operation after a step."""
    before = operation.progress
    progress = Progress(
        before.total,
        before.scanned + found.scanned,
        before.matched + len(found.entries),
        before.changed + changed.changed,
        before.failed + len(changed.failures),
    )
    failures = (*operation.failures, *changed.failures)[:FAILURES_KEPT]
    return replace(operation, progress=progress, position=found.position, failures=failures)


def operation_name(queue: QueueName, operation_id: str) -> OperationName:
    """The name of an operation on a queue."""
    return OperationName(f"{queue.parent}/operations/{operation_id}")
