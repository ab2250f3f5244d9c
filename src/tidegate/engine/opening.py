"""New connections a few at a time, so that attempts of others find their way between them.

An attempt over a connection that stands costs some 20 us, one that opens its own four times that, and the sender takes
them in the order they come. Five thousand that start at once over new connections would keep everyone else waiting for
half a second. So a queue may claim as many tasks as it has connections to use again, and share in the few that may be
opened now; its other tasks stay in the store, having spent nothing.
"""

from __future__ import annotations

from tidegate.core.names import QueueName

SLICE = 16
"""Connections opened at once at most."""

EVERY = 0.005
"""Seconds until as many again: 3,200 a second, which take some 20 % of a core."""

KEPT_FOR = 4.0
"""Seconds for which the sender keeps an idle connection."""


class Opening:
    """An estimate, by queues instead of handlers: who answered left a connection, and those unused for a while are
    closed by now.
    """

    def __init__(self) -> None:
        self._idle: dict[QueueName, int] = {}
        self._fewest: dict[QueueName, int] = {}  # idle ones at any time since _looked_at
        self._looked_at = 0.0
        self._left = SLICE
        self._next_slice = 0.0

    def idle(self, queue: QueueName) -> int:
        """How many connections the queue may use again."""
        return self._idle.get(queue, 0)

    def left(self, at: float) -> int:
        """How many connections may be opened at this monotonic time."""
        if at >= self._next_slice:
            self._left, self._next_slice = SLICE, at + EVERY
        if at >= self._looked_at + KEPT_FOR:
            kept = {queue: idle - self._fewest.get(queue, 0) for queue, idle in self._idle.items()}
            self._idle = {queue: idle for queue, idle in kept.items() if idle}
            self._fewest, self._looked_at = dict(self._idle), at
        return max(0, self._left)

    def wait(self, at: float) -> float:
        """Seconds until more may be opened."""
        return max(0.0, self._next_slice - at)

    def started(self, queue: QueueName) -> None:
        """An attempt of the queue started."""
        idle = self._idle.get(queue)
        if not idle:
            self._left -= 1
            return
        self._idle[queue] = idle - 1
        if self._fewest.get(queue, 0) >= idle:
            self._fewest[queue] = idle - 1

    def ended(self, queue: QueueName, *, answered: bool) -> None:
        """An attempt of the queue ended."""
        if answered:
            self._idle[queue] = self._idle.get(queue, 0) + 1
