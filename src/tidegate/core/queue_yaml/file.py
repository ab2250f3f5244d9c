"""A queue.yaml that was read, and how it changes the queues of a location."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from tidegate.core.app_engine import with_host
from tidegate.core.errors import InvalidArgument
from tidegate.core.names import LocationName, QueueName
from tidegate.core.queue import AppEngineRouting, Kind, Queue, RateLimits, RetryConfig, State

YAML_TASK_TTL: Final = timedelta(days=3650)
YAML_TOMBSTONE_TTL: Final = timedelta(days=9)
KEPT_QUEUE: Final = "default"
"""The queue that is not disabled when the file leaves it out."""


class QueueEntry(Struct, frozen=True):
    """One queue of the file. ``paused`` when its rate is 0. ``line`` is where it begins, 0 when that is not known."""

    name: str
    kind: Kind
    rate_limits: RateLimits
    retry_config: RetryConfig
    paused: bool = False
    routing: AppEngineRouting | None = None
    line: int = 0

    def queue(self, name: QueueName) -> Queue:
        """The queue to create when there is none of that name."""
        return Queue(
            name=name,
            kind=self.kind,
            state=State.PAUSED if self.paused else State.RUNNING,
            rate_limits=self.rate_limits,
            retry_config=self.retry_config,
            app_engine_routing=None if self.routing is None else with_host(self.routing, name.project),
            task_ttl=YAML_TASK_TTL,
            tombstone_ttl=YAML_TOMBSTONE_TTL,
            from_yaml=True,
        )


class QueueFile(Struct, frozen=True):
    """A whole file. ``application`` is empty when it names none."""

    entries: tuple[QueueEntry, ...] = ()
    application: str = ""
    resumes: bool = True


def planned(file: QueueFile, location: LocationName, existing: Iterable[Queue]) -> list[Queue]:
    """The queues of a location that a file makes or changes, as they are to be stored.

    Queues that the file leaves out become DISABLED, except ``default``. Listed ones run again, unless their rate is 0;
    a paused one stays paused if the file says ``resume_paused_queues: False``. What a file cannot set (HTTP routing,
    logging) stays.

    Raises:
        InvalidArgument: An existing queue is of the other kind, push or pull.
    """
    before = {queue.name: queue for queue in existing}
    after: dict[QueueName, Queue] = {}
    for entry in file.entries:
        name = QueueName(f"{location}/queues/{entry.name}")
        old = before.get(name)
        after[name] = entry.queue(name) if old is None else _updated(entry, old, resumes=file.resumes)
    for name, queue in before.items():
        if name not in after and name.queue != KEPT_QUEUE:
            after[name] = replace(queue, state=State.DISABLED)
    return [queue for name, queue in after.items() if queue != before.get(name)]


def _updated(entry: QueueEntry, old: Queue, *, resumes: bool) -> Queue:
    if entry.kind is not old.kind:
        raise invalid(f"The mode of queue '{entry.name}' cannot be changed", entry.line)
    new = entry.queue(old.name)
    stays_paused = old.state is State.PAUSED and not resumes
    return replace(
        new,
        state=State.PAUSED if stays_paused else new.state,
        http_target=old.http_target,
        sampling_ratio=old.sampling_ratio,
        purge_time=old.purge_time,
    )


def invalid(what: str, line: int = 0) -> InvalidArgument:
    """The error for a rule that is broken, ``what`` without its full stop, on this line; 0 when it is not known."""
    place = f", line {line}" if line else ""
    return InvalidArgument(f"Invalid queue configuration. {what}{place}.")
