"""The settings of a queue that is made at start: its name, or a table with the API's field names.

[[queue]]
name = "projects/demo/locations/here/queues/mail"
max_dispatches_per_second = 10
max_attempts = 5
min_backoff = "1s"
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from msgspec import Struct

from tidegate.core.names import LOCATION_ID, PROJECT_ID, QUEUE_ID, QueueName
from tidegate.core.queue import RetryConfig
from tidegate.settings import kinds
from tidegate.settings.kinds import RefusedError, UnknownFieldError, ValueKind
from tidegate.settings.rows import Says, closest, rows

DAY = timedelta(days=1)
DEFAULT_RETRY = RetryConfig()
TASK_TTL = kinds.duration(10 * DAY, 3650 * DAY)
TOMBSTONE_TTL = kinds.duration(timedelta(hours=1), 9 * DAY)

_NAME = re.compile(f"projects/{PROJECT_ID}/locations/{LOCATION_ID}/queues/{QUEUE_ID}")


def _name(value: str) -> QueueName:
    if not _NAME.fullmatch(value.strip()):
        raise RefusedError("projects/PROJECT/locations/LOCATION/queues/QUEUE")
    return QueueName(value.strip())


class QueueSetup(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A queue to make or change at start. An unset field stays as it is, or gets the API's default in a new queue."""

    name: Annotated[QueueName, Says(ValueKind("NAME", _name), "Its full name.")]
    type: Annotated[str | None, Says(kinds.one_of("push", "pull"), "How its tasks reach their workers.")] = None
    max_dispatches_per_second: Annotated[float | None, Says(kinds.RATE, "Attempts it may start in a second.")] = None
    max_burst_size: Annotated[int | None, Says(kinds.COUNT, "Attempts it may start at once after a rest.")] = None
    max_concurrent_dispatches: Annotated[int | None, Says(kinds.COUNT, "Attempts under way at one time.")] = None
    max_attempts: Annotated[int | None, Says(kinds.ATTEMPTS, "Attempts of one task; -1 is no limit.")] = None
    max_retry_duration: Annotated[
        timedelta | None, Says(kinds.WHOLE_SECONDS, "How long a task is tried, from its first attempt on.")
    ] = None
    min_backoff: Annotated[timedelta | None, Says(kinds.SOME_DURATION, "The wait after the first failure.")] = None
    max_backoff: Annotated[timedelta | None, Says(kinds.SOME_DURATION, "The longest wait.")] = None
    max_doublings: Annotated[int | None, Says(kinds.COUNT, "How often the wait doubles.")] = None
    sampling_ratio: Annotated[float | None, Says(kinds.RATIO, "The part of its operations that is logged.")] = None
    task_ttl: Annotated[timedelta | None, Says(TASK_TTL, "How long a task may live.")] = None
    tombstone_ttl: Annotated[
        timedelta | None, Says(TOMBSTONE_TTL, "How long the name of a finished task stays taken.")
    ] = None


def _read(name: str) -> QueueSetup:
    return QueueSetup(name=_name(name))


def _read_table(table: Mapping[str, Any]) -> QueueSetup:
    """A ``[[queue]]`` table. Raises RefusedError with the place of the field."""
    by_name = {row.name: row for row in rows(QueueSetup)}
    said = {}
    for field, given in table.items():
        if field not in by_name:
            raise UnknownFieldError(f"a queue has no field {field!r}{closest(field, list(by_name))}", (field,), given)
        try:
            said[field] = by_name[field].read(given)
        except RefusedError as refused:
            raise refused.within(field, given) from None
    if "name" not in said:
        raise RefusedError("a table with a name")
    setup = QueueSetup(**said)
    shortest = setup.min_backoff or DEFAULT_RETRY.min_backoff.timedelta()
    longest = setup.max_backoff or DEFAULT_RETRY.max_backoff.timedelta()
    if shortest > longest:
        if setup.min_backoff is not None:
            field, rule = "min_backoff", f"at most max_backoff, {kinds.show_duration(longest)}"
        else:
            field, rule = "max_backoff", f"at least min_backoff, {kinds.show_duration(shortest)}"
        raise RefusedError(rule, (field,), table[field])
    return setup


QUEUE = ValueKind("NAME", _read, lambda setup: setup.name, _read_table)
