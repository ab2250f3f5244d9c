"""Between values and rows: what a queue and a task look like in a table, the same for every SQL store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import msgspec
from msgspec import Struct

from tidegate.core.bucket import Flow, TokenBucket
from tidegate.core.identity_cache import Remembered
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue, RetryConfig
from tidegate.core.ramp import Ramp
from tidegate.core.task import Attempt, PullMessage, Target, Task
from tidegate.core.throttle import NOT_SLOWED, Throttle
from tidegate.core.times import micros, moment
from tidegate.engine.ports.store import DueTasks, StoredQueue

INLINE_BODY = 1024
"""Bodies up to this many bytes are read with the row of a task that is due; longer ones only when they are asked for.
SQLite keeps these apart: an attempt rewrites its task's row twice, and copying a kilobyte costs less than the second
look-up."""

MILLISECOND = timedelta(milliseconds=1)

Row: TypeAlias = Sequence[Any]
"""The columns of a row, in the order that the constants here name."""


class TaskKey(NamedTuple):
    """Where a task's row is: the generation it belongs to and its place in the order of creation."""

    generation: int
    seq: int


class TaskSettings(Struct, frozen=True, array_like=True):
    """What never changes in a task, in one blob."""

    target: Target
    deadline_ms: int | None = None
    retry_config: RetryConfig | None = None


class TracedSettings(TaskSettings, frozen=True, array_like=True):
    """The same of a task that keeps the trace of its creation; what is written without it reads as none."""

    trace: bytes = b""


def _name_as_text(value: Any) -> Any:
    if isinstance(value, QueueName):
        return str.__str__(value)
    raise NotImplementedError(type(value))


def _text_as_name(type_: type, value: Any) -> Any:
    if type_ is QueueName:
        return QueueName(value)
    raise NotImplementedError(type_)


_queue_encoder = msgspec.msgpack.Encoder(enc_hook=_name_as_text)
_queue_decoder = msgspec.msgpack.Decoder(Queue, dec_hook=_text_as_name)
_encoder = msgspec.msgpack.Encoder()
_throttle_decoder = msgspec.msgpack.Decoder(Throttle)
_ramp_decoder = msgspec.msgpack.Decoder(Ramp)
_settings_decoder = msgspec.msgpack.Decoder(TracedSettings)
_attempt_decoder = msgspec.msgpack.Decoder(Attempt)

QUEUE_COLUMNS = "id, generation, settings, tokens, filled_at, in_flight, throttle, ramp"


def queue_settings(queue: Queue) -> bytes:
    return _queue_encoder.encode(queue)


@lru_cache(maxsize=4096)
def decode_queue(settings: bytes) -> Queue:
    """A queue from its settings. Remembered: each claim reads its queue, which hardly ever changes (a third of the
    time of a claim of five tasks).
    """
    return _queue_decoder.decode(settings)


def stored_queue(row: Row, decode: Callable[[bytes], Queue] = decode_queue) -> StoredQueue:
    """A queue from its ``QUEUE_COLUMNS``. Its key is the generation of its tasks: a purge starts the next one."""
    queue, generation, settings, tokens, filled_at, in_flight, throttle, ramp = row
    return StoredQueue(
        queue=decode(settings),
        flow=Flow(
            TokenBucket(tokens, moment(filled_at)),
            in_flight,
            NOT_SLOWED if throttle is None else _throttle_decoder.decode(throttle),
            None if ramp is None else _ramp_decoder.decode(ramp),
        ),
        id=queue,
        key=generation,
    )


def listed_queue(row: Row) -> StoredQueue:
    """The same of a queue in a list: thousands of them would push out those that are remembered because they claim."""
    return stored_queue(row, _queue_decoder.decode)


def flow_columns(flow: Flow) -> tuple[Any, ...]:
    """The values of tokens, filled_at, in_flight, throttle, ramp."""
    throttle = None if flow.throttle == NOT_SLOWED else _encoder.encode(flow.throttle)
    ramp = None if flow.ramp is None else _encoder.encode(flow.ramp)
    return flow.bucket.tokens, micros(flow.bucket.filled_at), flow.in_flight, throttle, ramp


TASK_COLUMNS = (
    "seq, id, schedule_time, create_time, dispatch_count, response_count, answer_count,"
    " first_dispatch_at, dispatched_at, last_attempt, settings"
)
"""All of a task but its body."""
ID_COLUMN, SETTINGS_COLUMN, BODY_COLUMN = 1, 10, 11
"""Which of them is the ID, which are as long as their caller likes."""


_Also: TypeAlias = tuple[timedelta | None, RetryConfig | None, bytes]


def _task_settings(target: Target, also: _Also) -> bytes:
    deadline, retry, trace = also
    deadline_ms = None if deadline is None else deadline // MILLISECOND
    if trace:
        return _encoder.encode(TracedSettings(target, deadline_ms, retry, trace))
    return _encoder.encode(TaskSettings(target, deadline_ms, retry))


task_settings = Remembered(_task_settings)
"""The ``settings`` of a task's row, from its target and its deadline, retry settings and trace."""


INSERT_COLUMNS = "seq, generation, id, schedule_time, create_time, tag, settings, body"
"""What a new task is made of."""
INSERTED = 8


def task_values(first: int, generation: int, tasks: Sequence[Task]) -> list[Any]:
    """The values of rows for new tasks of one queue, ``INSERTED`` each, one after the other; their seqs count from
    ``first`` on.
    """
    values: list[Any] = []
    id_at = tasks[0].name.rindex("/") + 1 if tasks else 0
    target = due = created = None
    also: _Also = None, None, b""
    for seq, task in enumerate(tasks, first):
        # New tasks come in batches that share most of this.
        if (
            task.target is not target
            or task.dispatch_deadline is not also[0]
            or task.retry_config is not also[1]
            or task.trace is not also[2]
        ):
            target, also = task.target, (task.dispatch_deadline, task.retry_config, task.trace)
            settings = task_settings(target, also)
            tag = target.tag if isinstance(target, PullMessage) else None
        if task.schedule_time is not due:
            due = task.schedule_time
            due_at = micros(due)
        if task.create_time is not created:
            created = task.create_time
            created_at = micros(created)
        values += (seq, generation, task.name[id_at:], due_at, created_at, tag, settings, task.body)
    return values


_Settings = tuple[Target, timedelta | None, RetryConfig | None, bytes]
_KEPT_SETTINGS = 4096  # bytes or digits; longer ones are read each time


def settings_of(column: bytes | str) -> _Settings:
    """A task's target, deadline, retry settings and trace from its column or the hexadecimal digits of that.

    Tasks by the thousand have the same settings, and then share a target: with the times 2 of the 4 us that making a
    task of its row takes.
    """
    return _known_settings(column) if len(column) <= _KEPT_SETTINGS else _settings(column)


def _settings(column: bytes | str) -> _Settings:
    stored = _settings_decoder.decode(_bytes(column))
    deadline = None if stored.deadline_ms is None else stored.deadline_ms * MILLISECOND
    return stored.target, deadline, stored.retry_config, stored.trace


_known_settings = lru_cache(maxsize=1024)(_settings)
known_moment = lru_cache(maxsize=256)(moment)


def task(queue: QueueName, generation: int, row: Row) -> Task:
    """A task from its ``TASK_COLUMNS`` and its body."""
    seq, task_id, schedule, create, dispatches, responses, answers, first, dispatched, last, settings, body = row
    target, deadline, retry, trace = settings_of(settings)
    return Task(
        name=queue.task(task_id),
        target=target,
        schedule_time=known_moment(schedule),
        create_time=known_moment(create),
        dispatch_deadline=deadline,
        retry_config=retry,
        trace=trace,
        body=body,
        dispatch_count=dispatches,
        response_count=responses,
        answer_count=answers,
        first_dispatch_time=None if first is None else moment(first),
        last_attempt=None if last is None else _attempt_decoder.decode(last),
        dispatched_at=None if dispatched is None else moment(dispatched),
        key=TaskKey(generation, seq),
    )


UNREAD = bytes(bytearray(b"unread"))
"""Stands for a body that was not read; told from others by identity."""

DUE_COLUMNS = (
    "seq, id, schedule_time, create_time, dispatch_count, response_count, answer_count, first_dispatch_at,"
    " last_attempt, settings, body"
)
"""A task that is due. In place of a body longer than ``INLINE_BODY`` comes its size in bytes."""

DueRow: TypeAlias = tuple[int, str, int, int, int, int, int, int | None, bytes | str, bytes | str, bytes | str | int]


def due_tasks(queue: QueueName, generation: int, found: Sequence[DueRow]) -> DueTasks:
    """Waiting tasks of a queue from their ``DUE_COLUMNS``, and the bytes of their settings and bodies."""
    tasks: list[Task] = []
    sizes: list[int] = []
    digits = 2 if found and isinstance(found[0][9], str) else 1  # of a byte in the settings
    for seq, task_id, schedule, create, dispatches, responses, answers, first, last, settings, body in found:
        target, deadline, retry, trace = settings_of(settings)
        content, size = _content(body)
        sizes.append(size + len(settings) // digits)
        tasks.append(
            Task(
                name=queue.task(task_id),
                target=target,
                schedule_time=known_moment(schedule),
                create_time=known_moment(create),
                dispatch_deadline=deadline,
                retry_config=retry,
                trace=trace,
                body=content,
                dispatch_count=dispatches,
                response_count=responses,
                answer_count=answers,
                first_dispatch_time=None if first is None else moment(first),
                last_attempt=_attempt_decoder.decode(_bytes(last)) if last else None,
                key=TaskKey(generation, seq),
            )
        )
    return DueTasks(tasks, sizes)


LEASE_COLUMNS = "seq, id, schedule_time, create_time, dispatch_count, settings, body"
"""A pull task that is due; its body as in ``DUE_COLUMNS``."""

LeaseRow: TypeAlias = tuple[int, str, int, int, int, bytes | str, bytes | str | int]


def leasable_tasks(queue: QueueName, generation: int, found: Sequence[LeaseRow]) -> DueTasks:
    """Pull tasks of a queue from their ``LEASE_COLUMNS``, and the bytes of their payloads."""
    tasks: list[Task] = []
    sizes: list[int] = []
    for seq, task_id, schedule, create, leases, settings, body in found:
        content, size = _content(body)
        sizes.append(size)
        # No request of a pull task was ever sent: nothing was answered, nothing started, nothing is under way.
        row = (seq, task_id, schedule, create, leases, 0, 0, None, None, None, settings, content)
        tasks.append(task(queue, generation, row))
    return DueTasks(tasks, sizes)


def _content(column: bytes | str | int) -> tuple[bytes, int]:
    """A body, or what stands for one that was not read, and its size in bytes."""
    if isinstance(column, bytes):  # as nearly always
        return column, len(column)
    if isinstance(column, int):
        return UNREAD, column
    content = bytes.fromhex(column)
    return content, len(content)


def _bytes(column: bytes | str) -> bytes:
    return bytes.fromhex(column) if isinstance(column, str) else column


def retry_columns(retry: Task, attempt: Task) -> Row:
    """What a failed ``attempt`` changes in its task, and which attempt of which task it was."""
    last = None if retry.last_attempt is None else _encoder.encode(retry.last_attempt)
    due = micros(retry.schedule_time)
    return due, retry.response_count, retry.answer_count, last, attempt.key.seq, attempt.dispatch_count


def optional_micros(when: datetime | None) -> int | None:
    return None if when is None else micros(when)
