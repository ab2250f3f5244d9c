"""What may be said of a queue that is made at start: its name, or a table with the API's own field names.

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
from msgspec.structs import asdict, replace

from tidegate.core.names import LOCATION_ID, PROJECT_ID, QUEUE_ID, QueueName
from tidegate.core.queue import Kind, Queue, RateLimits, RetryConfig, burst_for
from tidegate.core.times import Duration
from tidegate.settings import kinds
from tidegate.settings.kinds import RefusedError, UnknownFieldError, ValueKind
from tidegate.settings.rows import Says, closest, rows

DAY = timedelta(days=1)
TASK_TTL = kinds.duration(10 * DAY, 3650 * DAY)
TOMBSTONE_TTL = kinds.duration(timedelta(hours=1), 9 * DAY)

_NAME = re.compile(f"projects/{PROJECT_ID}/locations/{LOCATION_ID}/queues/{QUEUE_ID}")


def _name(value: str) -> QueueName:
    if not _NAME.fullmatch(value.strip()):
        raise RefusedError("projects/PROJECT/locations/LOCATION/queues/QUEUE")
    return QueueName(value.strip())


class QueueSetup(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A queue to have at start. What is left out stays as it is, or gets the API's default in a new queue."""

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

    def fresh(self) -> Queue:
        """The queue to create when there is none of that name."""
        kind = Kind[self.type.upper()] if self.type else Kind.PUSH
        return self.applied_to(Queue(name=self.name, kind=kind))

    def applied_to(self, queue: Queue) -> Queue:
        """``queue`` with what is said here, but for its type. A new rate brings its own burst unless one is given."""
        said = {field: value for field, value in asdict(self).items() if value is not None}
        limits = {field: said[field] for field in RateLimits.__struct_fields__ if field in said}
        if "max_dispatches_per_second" in limits:
            limits.setdefault("max_burst_size", burst_for(limits["max_dispatches_per_second"]))
        retry = {field: _exact(said[field]) for field in RetryConfig.__struct_fields__ if field in said}
        rest = {field: said[field] for field in ("sampling_ratio", "task_ttl", "tombstone_ttl") if field in said}
        return replace(
            queue,
            rate_limits=replace(queue.rate_limits, **limits),
            retry_config=replace(queue.retry_config, **retry),
            **rest,
        )


def _exact(value: Any) -> Any:
    return Duration.of(value) if isinstance(value, timedelta) else value


def _read(name: str) -> QueueSetup:
    return QueueSetup(name=_name(name))


def _read_table(table: Mapping[str, Any]) -> QueueSetup:
    """A ``[[queue]]`` table. Raises RefusedError, pointing at the field."""
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
    retry = setup.fresh().retry_config
    if retry.min_backoff > retry.max_backoff:
        field = "min_backoff" if setup.min_backoff is not None else "max_backoff"
        longest = kinds.show_duration(retry.max_backoff.timedelta())
        shortest = kinds.show_duration(retry.min_backoff.timedelta())
        rule = f"at most max_backoff, {longest}" if field == "min_backoff" else f"at least min_backoff, {shortest}"
        raise RefusedError(rule, (field,), table[field])
    return setup


QUEUE = ValueKind("NAME", _read, lambda setup: setup.name, _read_table)
