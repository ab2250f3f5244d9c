"""Between values and rows: what a queue and a task look like in a table, the same for every SQL store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from tidegate.core import lease
from tidegate.core.bucket import Flow, TokenBucket
from tidegate.core.identity_cache import Remembered
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue, RetryConfig
from tidegate.core.ramp import Ramp
from tidegate.core.task import Attempt, PullMessage, Target, Task
from tidegate.core.throttle import NOT_SLOWED, Throttle
from tidegate.core.times import micros, moment
from tidegate.engine.ports.store import StoredQueue

INLINE_BODY = 1024
"""Bodies up to this many bytes stand in the task's row. Longer ones stand apart: an attempt rewrites its task's row
twice, and copying a kilobyte costs less than the second look-up."""

MILLISECOND = timedelta(milliseconds=1)


class TaskKey(NamedTuple):
    """Where a task's row is: the generation it belongs to and its place in the order of creation."""

    generation: int
    seq: int


class TaskSettings(Struct, frozen=True, array_like=True):
    """What never changes in a task, in one blob."""

    target: Target
    deadline_ms: int | None = None
    retry_config: RetryConfig | None = None


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
_settings_decoder = msgspec.msgpack.Decoder(TaskSettings)
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


def stored_queue(row: Sequence[Any]) -> StoredQueue:
    """A queue from its ``QUEUE_COLUMNS``."""
    queue, generation, settings, tokens, filled_at, in_flight, throttle, ramp = row
    return StoredQueue(
        queue=decode_queue(settings),
        flow=Flow(
            TokenBucket(tokens, moment(filled_at)),
            in_flight,
            NOT_SLOWED if throttle is None else _throttle_decoder.decode(throttle),
            None if ramp is None else _ramp_decoder.decode(ramp),
        ),
        id=queue,
        generation=generation,
    )


def flow_columns(flow: Flow) -> tuple[Any, ...]:
    """The values of tokens, filled_at, in_flight, throttle, ramp."""
    throttle = None if flow.throttle == NOT_SLOWED else _encoder.encode(flow.throttle)
    ramp = None if flow.ramp is None else _encoder.encode(flow.ramp)
    return flow.bucket.tokens, micros(flow.bucket.filled_at), flow.in_flight, throttle, ramp


def flow_digits(flow: Flow) -> tuple[Any, ...]:
    """The same with bytes as hexadecimal digits, for JSON."""
    tokens, filled_at, in_flight, throttle, ramp = flow_columns(flow)
    return tokens, filled_at, in_flight, throttle and throttle.hex(), ramp and ramp.hex()


TASK_COLUMNS = (
    "seq, id, schedule_time, create_time, dispatch_count, response_count, answer_count,"
    " first_dispatch_at, dispatched_at, last_attempt, settings"
)
"""All of a task but its body."""
SETTINGS_COLUMN = 10
"""Which of them is as long as its caller likes."""


def _task_settings(target: Target, also: tuple[timedelta | None, RetryConfig | None]) -> bytes:
    deadline, retry = also
    return _encoder.encode(TaskSettings(target, None if deadline is None else deadline // MILLISECOND, retry))


task_settings = Remembered(_task_settings)
"""The ``settings`` of a task's row, from its target and its deadline and retry settings."""


def task_values(first: int, generation: int, tasks: Sequence[Task]) -> list[Any]:
    """The values of rows for new tasks of one queue, one after the other: seq (from ``first`` on), generation, id,
    schedule_time, create_time, tag, settings, body.
    """
    values: list[Any] = []
    id_at = tasks[0].name.rindex("/") + 1 if tasks else 0
    target = due = created = None
    also: tuple[timedelta | None, RetryConfig | None] = None, None
    for seq, task in enumerate(tasks, first):
        # New tasks come in batches that share most of this.
        if task.target is not target or task.dispatch_deadline is not also[0] or task.retry_config is not also[1]:
            target, also = task.target, (task.dispatch_deadline, task.retry_config)
            settings = task_settings(target, also)
            tag = target.tag if isinstance(target, PullMessage) else None
        if task.schedule_time is not due:
            due = task.schedule_time
            due_at = micros(due)
        if task.create_time is not created:
            created = task.create_time
            created_at = micros(created)
        body = task.body
        short = body if len(body) <= INLINE_BODY else None
        values += (seq, generation, task.name[id_at:], due_at, created_at, tag, settings, short)
    return values


_Settings = tuple[Target, timedelta | None, RetryConfig | None]
_KEPT_SETTINGS = 4096  # bytes or digits; longer ones are read each time


def settings_of(column: bytes | str) -> _Settings:
    """A task's target, deadline and retry settings from its column or the hexadecimal digits of that.

    Tasks by the thousand have the same settings, and then share a target: with the times 2 of the 4 us that making a
    task of its row takes.
    """
    return _known_settings(column) if len(column) <= _KEPT_SETTINGS else _settings(column)


def _settings(column: bytes | str) -> _Settings:
    stored = _settings_decoder.decode(bytes.fromhex(column) if isinstance(column, str) else column)
    deadline = None if stored.deadline_ms is None else stored.deadline_ms * MILLISECOND
    return stored.target, deadline, stored.retry_config


_known_settings = lru_cache(maxsize=1024)(_settings)
known_moment = lru_cache(maxsize=256)(moment)


def task(queue: QueueName, generation: int, row: Sequence[Any], body: bytes) -> Task:
    """A task from its ``TASK_COLUMNS``; what follows them in ``row`` is ignored."""
    seq, task_id, schedule, create, dispatches, responses, answers, first, dispatched, last, settings = row[:11]
    target, deadline, retry = settings_of(settings)
    return Task(
        name=queue.task(task_id),
        target=target,
        schedule_time=known_moment(schedule),
        create_time=known_moment(create),
        dispatch_deadline=deadline,
        retry_config=retry,
        body=body,
        dispatch_count=dispatches,
        response_count=responses,
        answer_count=answers,
        first_dispatch_time=None if first is None else moment(first),
        last_attempt=None if last is None else _attempt_decoder.decode(last),
        dispatched_at=None if dispatched is None else moment(dispatched),
        key=TaskKey(generation, seq),
    )


CLAIM_COLUMNS = (
    "seq, id, schedule_time, create_time, dispatch_count, response_count, answer_count, first_dispatch_at,"
    " hex(last_attempt), hex(settings), CASE WHEN body IS NULL THEN NULL ELSE hex(body) END"
)
"""A waiting task with its body as one JSON array, so that a claim of many tasks is one row: each row that SQLite steps
to gives the interpreter lock away, and getting it back costs more than writing and reading the JSON."""

_ClaimedRow = tuple[int, str, int, int, int, int, int, int | None, str, str, str | None]
_due_first = itemgetter(2, 0)
_claimed_decoder = msgspec.json.Decoder(list[_ClaimedRow])

BULKY = 4096
"""Bytes of a task's settings and body from which it counts as bulky. Below, ten thousand of them are 40 MB."""

APART = bytes(bytearray(b"apart"))
"""Stands for a body that is kept in ``bodies``; told from others by identity."""


def claimed_rows(found: str) -> list[_ClaimedRow]:
    """The rows of an array of ``CLAIM_COLUMNS``, by their schedule times and then as they were created.

    SQLite finds them in this order, but promises it for an array only if it sorts them; Python notices that they are.
    """
    claimed = _claimed_decoder.decode(found)
    claimed.sort(key=_due_first)
    return claimed


def claimed_task(queue: QueueName, generation: int, row: _ClaimedRow, now: datetime) -> Task:
    """A task from its ``CLAIM_COLUMNS``, as it is once its attempt has started at ``now``."""
    seq, task_id, schedule, create, dispatches, responses, answers, first, last, settings, body = row
    target, deadline, retry = settings_of(settings)
    size = len(settings) // 2  # two digits a byte
    return Task(
        name=queue.task(task_id),
        target=target,
        schedule_time=known_moment(schedule),
        create_time=known_moment(create),
        dispatch_deadline=deadline,
        retry_config=retry,
        body=APART if body is None else bytes.fromhex(body),
        bulk=size if body is None or size > BULKY else 0,
        dispatch_count=dispatches + 1,
        response_count=responses,
        answer_count=answers,
        first_dispatch_time=now if first is None else moment(first),
        last_attempt=_attempt_decoder.decode(bytes.fromhex(last)) if last else None,
        dispatched_at=now,
        key=TaskKey(generation, seq),
    )


LEASE_COLUMNS = (
    "seq, id, dispatch_count, create_time, hex(settings), CASE WHEN body IS NULL THEN NULL ELSE hex(body) END,"
    " coalesce(length(body), (SELECT length(body) FROM bodies WHERE task = seq))"
)
"""A pull task that may be leased, as ``CLAIM_COLUMNS``, and the size of its body."""


class LeasableRow(Struct, array_like=True, gc=False):
    """The row of a pull task that may be leased. ``body`` is None when it stands apart."""

    seq: int
    id: str
    leases: int
    create_time: int
    settings: str
    body: str | None
    size: int


def leases_allowed(settings: bytes | str, queue: Queue) -> float:
    """How often a task with this column may be leased from its queue."""
    _, _, retry = settings_of(settings)
    return lease.leases_allowed(retry, queue.retry_config)


def tag_of(row: LeasableRow) -> str:
    """The tag of the task of this row, empty for none."""
    target = settings_of(row.settings)[0]
    return target.tag if isinstance(target, PullMessage) else ""


_leasable_decoder = msgspec.json.Decoder(list[LeasableRow])
_lease_decoder = msgspec.json.Decoder(list[tuple[str, int, int]])
_removable_decoder = msgspec.json.Decoder(list[tuple[int, str, int]])


def leasable_rows(found: str) -> list[LeasableRow]:
    """The rows of an array of ``LEASE_COLUMNS``."""
    return _leasable_decoder.decode(found)


def lease_rows(found: str) -> list[tuple[str, int, int]]:
    """The rows of an array of ID, schedule time and leases."""
    return _lease_decoder.decode(found)


def removable_rows(found: str) -> list[tuple[int, str, int]]:
    """The rows of an array of seq, ID and whether the body stands apart."""
    return _removable_decoder.decode(found)


def leased_task(queue: QueueName, generation: int, row: LeasableRow, until: datetime) -> Task:
    """A pull task as it is once it has been leased until then."""
    target, deadline, retry = settings_of(row.settings)
    return Task(
        name=queue.task(row.id),
        target=target,
        schedule_time=until,
        create_time=known_moment(row.create_time),
        dispatch_deadline=deadline,
        retry_config=retry,
        body=APART if row.body is None else bytes.fromhex(row.body),
        dispatch_count=row.leases + 1,
        key=TaskKey(generation, row.seq),
    )


def attempt_blob(attempt: Attempt | None) -> bytes | None:
    return None if attempt is None else _encoder.encode(attempt)


def optional_micros(when: datetime | None) -> int | None:
    return None if when is None else micros(when)
