"""Why a queue waits, as a value: claims answer with it, the scheduler keeps it, and who explains a queue reads it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import Enum, auto

from msgspec import Struct
from msgspec.structs import replace

from tidegate.core.names import QueueName


class HoldCode(Enum):
    """What keeps a queue from starting another attempt now."""

    DUE_NOW = auto()
    """Nothing: its next claim takes what is due."""
    NOTHING_DUE = auto()
    """No task is due, or none waits at all."""
    QUEUE_PAUSED = auto()
    QUEUE_DISABLED = auto()
    PULL_QUEUE = auto()
    """Its tasks are leased by workers, not dispatched."""
    RATE_LIMITED = auto()
    """Its token bucket is empty."""
    THROTTLED = auto()
    """Its token bucket is empty, and fills slowly since handlers asked for room or failed."""
    RAMPING_UP = auto()
    """Its token bucket is empty, and fills slowly until the queue has ramped up."""
    CONCURRENCY_FULL = auto()
    """As many attempts are under way as it allows."""
    BODIES_FULL = auto()
    """Its next task is long, and attempts under way leave no room in memory for its body."""
    OTHER_NODE = auto()
    """Another node claims from it just now."""
    OPENING_CONNECTIONS = auto()
    """Its attempts need new connections, of which only a few are opened at a time."""
    SERVER_FULL = auto()
    """As many attempts are under way as this process carries."""
    DISK_FULL = auto()
    STORE_FAILING = auto()
    """The store could not commit the last claim."""
    DRAINING = auto()
    """This process is about to stop."""


class HeldBy(Struct, frozen=True):
    """What holds a queue, since when, and until when.

    ``since`` is None where that is not known. ``until`` is when the scheduler looks at the queue again by itself; None
    where something has to happen first: an attempt ends, the queue is resumed, a task is created.
    """

    code: HoldCode
    since: datetime | None = None
    until: datetime | None = None


class HeldQueues:
    """What holds the queues that have due tasks, or that do not dispatch; of others nothing is kept."""

    def __init__(self) -> None:
        self._queues: dict[QueueName, HeldBy] = {}
        self._by_bodies: set[QueueName] = set()

    def __contains__(self, queue: QueueName) -> bool:
        return queue in self._queues

    def get(self, queue: QueueName) -> HeldBy | None:
        return self._queues.get(queue)

    def put(self, queue: QueueName, held_by: HeldBy, now: datetime) -> None:
        """What holds the queue now. Where ``held_by`` does not say since when: since it is this that holds it."""
        if held_by.code is HoldCode.NOTHING_DUE:
            self.drop(queue)
            return
        if held_by.since is None:
            before = self._queues.get(queue)
            since = before.since if before is not None and before.code is held_by.code else now
            held_by = replace(held_by, since=since)
        self._queues[queue] = held_by
        if held_by.code is HoldCode.BODIES_FULL:
            self._by_bodies.add(queue)
        else:
            self._by_bodies.discard(queue)

    def drop(self, queue: QueueName) -> None:
        """Nothing holds the queue, or it is no more."""
        self._queues.pop(queue, None)
        self._by_bodies.discard(queue)

    def clear(self) -> None:
        self._queues.clear()
        self._by_bodies.clear()

    def held_by_bodies(self) -> Collection[QueueName]:
        """The queues that wait for room for a long body."""
        return tuple(self._by_bodies)
