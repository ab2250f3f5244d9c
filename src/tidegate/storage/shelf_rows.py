"""Between values and rows: kept attempts and dead tasks, the same for every SQL store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from tidegate.core.attempt_record import AttemptRecord
from tidegate.core.dead_letters import DeadTask, DeathReason, ErrorGroup
from tidegate.core.names import QueueName
from tidegate.core.queue import RetryConfig
from tidegate.core.task import Attempt, Target, Task
from tidegate.core.times import micros, moment
from tidegate.engine.ports.shelf import StoredAttempt
from tidegate.storage.shelf_tables import CountsRow, DeadRow

MICROSECOND = timedelta(microseconds=1)


class DeadRecord(Struct, frozen=True, array_like=True):
    """All of a dead task but its ID, body and earlier attempts. Moments as in the other tables."""

    death_time: int
    reason: DeathReason
    group: ErrorGroup
    target: Target
    deadline: int | None
    retry_config: RetryConfig | None
    schedule_time: int
    create_time: int
    dispatch_count: int
    response_count: int
    answer_count: int
    first_dispatch_time: int | None
    last_attempt: Attempt | None
    last_kept: msgspec.Raw
    """The record of the last attempt that was kept, else null."""
    trace: bytes = b""
    """Of the task's creation; what was written without it reads as none."""


_encoder = msgspec.msgpack.Encoder()
_attempt_decoder = msgspec.msgpack.Decoder(AttemptRecord)
_attempts_decoder = msgspec.msgpack.Decoder(list[msgspec.Raw])
_dead_decoder = msgspec.msgpack.Decoder(DeadRecord)


attempt_record: Callable[[AttemptRecord], bytes] = _encoder.encode


def stored_attempt(row: tuple[int, str, bytes]) -> StoredAttempt:
    place, task_id, record = row
    return StoredAttempt(task_id, _attempt_decoder.decode(record), place)


def attempts_column(records: Sequence[bytes]) -> bytes:
    """The earlier attempts of a dead task in one blob, from their records."""
    return _encoder.encode([msgspec.Raw(record) for record in records])


_NULL = msgspec.Raw(_encoder.encode(None))


def dead_row(dead: DeadTask, attempts: Sequence[bytes]) -> DeadRow:
    """The row of a dead task; ``attempts`` are the records of all its attempts, in their order."""
    task = dead.task
    record = DeadRecord(
        micros(dead.death_time),
        dead.reason,
        dead.error_group,
        task.target,
        None if task.dispatch_deadline is None else task.dispatch_deadline // MICROSECOND,
        task.retry_config,
        micros(task.schedule_time),
        micros(task.create_time),
        task.dispatch_count,
        task.response_count,
        task.answer_count,
        _optional_micros(task.first_dispatch_time),
        task.last_attempt,
        msgspec.Raw(attempts[-1]) if attempts else _NULL,
        task.trace,
    )
    expires = micros(dead.expire_time)
    blobs = _encoder.encode(record), task.body, attempts_column(attempts[:-1])
    return DeadRow(dead.id, task.name.task, expires, sum(map(len, blobs)), *blobs)


def dead_task(queue: QueueName, row: DeadRow) -> DeadTask:
    """A dead task from its row."""
    stored = _dead_decoder.decode(row.record)
    kept = _attempts_decoder.decode(row.attempts) if row.attempts else []
    if stored.last_kept != _NULL:
        kept.append(stored.last_kept)
    return DeadTask(
        id=row.id,
        task=Task(
            name=queue.task(row.task),
            target=stored.target,
            schedule_time=moment(stored.schedule_time),
            create_time=moment(stored.create_time),
            dispatch_deadline=None if stored.deadline is None else stored.deadline * MICROSECOND,
            retry_config=stored.retry_config,
            body=row.body,
            dispatch_count=stored.dispatch_count,
            response_count=stored.response_count,
            answer_count=stored.answer_count,
            first_dispatch_time=None if stored.first_dispatch_time is None else moment(stored.first_dispatch_time),
            last_attempt=stored.last_attempt,
            trace=stored.trace,
        ),
        death_time=moment(stored.death_time),
        reason=stored.reason,
        expire_time=moment(row.expires),
        error_group=stored.group,
        size=row.size,
        attempts=tuple(map(_attempt_decoder.decode, kept)),
    )


def counts_row(task: Task) -> CountsRow:
    """What attempts have left in a task."""
    last = None if task.last_attempt is None else _encoder.encode(task.last_attempt)
    first = _optional_micros(task.first_dispatch_time)
    counts = task.dispatch_count, task.response_count, task.answer_count
    return CountsRow(*counts, first, last, task.name.task)


def _optional_micros(when: datetime | None) -> int | None:
    return None if when is None else micros(when)


def first_of(oldest: Sequence[tuple[int, int]], count: int, size: int, freed: int) -> tuple[list[int], int]:
    """The IDs of the first rows that are ``count`` and take ``size`` bytes together, and the bytes freed with them."""
    going: list[int] = []
    for row_id, row_size in oldest:
        if len(going) >= count and size <= 0:
            break
        going.append(row_id)
        size -= row_size
        freed += row_size
    return going, freed
