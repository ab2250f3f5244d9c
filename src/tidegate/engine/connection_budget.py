"""New connections a few at a time, so that attempts of others find their way between them.

An attempt over a connection that stands costs some 20 us, one that opens its own four times that, and the sender takes
them in the order they come. Five thousand that start at once over new connections would keep everyone else waiting for
half a second. So a queue may claim as many tasks as it has connections to use again, and share in the few that may be
opened now; its other tasks stay in the store, having spent nothing.

A claim takes a while, in which attempts under way are answered and leave theirs. As many as came back since the claim
before count already: else all of them would be back before the next tasks are there, and the loop would stand still
(a fifth of the time, measured).
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

from tidegate.core.names import QueueName
from tidegate.core.queue import Queue
from tidegate.core.task import HttpRequest, Task

K = TypeVar("K", bound=Hashable)

SLICE = 16
"""Connections opened at once at most."""

EVERY = 0.005
"""Seconds until as many again: 3,200 a second, which take some 20 % of a core."""


def handler_of(queue: Queue, task: Task) -> str:
    """Whose connections an attempt uses: its host's, or its queue's where only the composed call tells the host."""
    target, routing = task.target, queue.http_target
    if isinstance(target, HttpRequest) and (routing is None or routing.uri_override is None):
        return target.url.split("/", 3)[2]
    return queue.name


class _Standing(Generic[K]):
    """How many connections stand idle, by whose they are."""

    def __init__(self) -> None:
        self.idle: dict[K, int] = {}
        self._fewest: dict[K, int] = {}  # at any time since those unused were forgotten

    def take(self, whose: K) -> bool:
        """Use one, if there is any."""
        idle = self.idle.get(whose)
        if not idle:
            return False
        self.idle[whose] = idle - 1
        if self._fewest.get(whose, 0) >= idle:
            self._fewest[whose] = idle - 1
        return True

    def leave(self, whose: K) -> None:
        self.idle[whose] = self.idle.get(whose, 0) + 1

    def forget_unused(self) -> None:
        """Forget those that nobody used since this was done last."""
        kept = {whose: idle - self._fewest.get(whose, 0) for whose, idle in self.idle.items()}
        self.idle = {whose: idle for whose, idle in kept.items() if idle}
        self._fewest = dict(self.idle)


class ConnectionBudget:
    """An estimate: who answered left a connection, and those unused for a while are closed by now.

    A queue that is new finds those that others left with its handler; one that has its own does not lose them to others
    who come to hang there.
    """

    def __init__(self, kept_for: float) -> None:
        """``kept_for`` is for how many seconds the sender keeps an idle connection."""
        self._kept_for = kept_for
        self._of_queues: _Standing[QueueName] = _Standing()
        self._of_handlers: _Standing[str] = _Standing()
        self._handlers: dict[QueueName, str] = {}  # where the queue's last attempt went
        self._busy: dict[QueueName, int] = {}
        self._back: dict[QueueName, int] = {}  # answered since the queue's last claim
        self._looked_at = 0.0
        self._left = SLICE
        self._next_slice = 0.0

    def handler(self, queue: QueueName) -> str:
        """Where the queue's next attempt goes, as far as one knows."""
        return self._handlers.get(queue, queue)

    def idle(self, handler: str) -> int:
        """How many connections to a handler stand idle."""
        return self._of_handlers.idle.get(handler, 0)

    def usable(self, queue: QueueName) -> int:
        """How many connections of its own the queue may use again once a claim that begins now is through."""
        return self._of_queues.idle.get(queue, 0) + min(self._back.get(queue, 0), self._busy.get(queue, 0))

    def claims(self, queue: QueueName) -> None:
        """A claim for the queue begins."""
        self._back.pop(queue, None)

    def left(self, at: float) -> int:
        """How many connections may be opened at this machine time."""
        if at >= self._next_slice:
            self._left, self._next_slice = SLICE, at + EVERY
        if at >= self._looked_at + self._kept_for:
            self._of_queues.forget_unused()
            self._of_handlers.forget_unused()
            in_use = self._of_queues.idle.keys() | self._busy.keys()
            self._handlers = {queue: handler for queue, handler in self._handlers.items() if queue in in_use}
            self._looked_at = at
        return max(0, self._left)

    def wait(self, at: float) -> float:
        """Seconds until more may be opened."""
        return max(0.0, self._next_slice - at)

    def started(self, queue: QueueName, handler: str) -> None:
        """An attempt of the queue started."""
        self._handlers[queue] = handler
        self._busy[queue] = self._busy.get(queue, 0) + 1
        self._of_queues.take(queue)
        if not self._of_handlers.take(handler):
            self._left -= 1

    def ended(self, queue: QueueName, handler: str, *, answered: bool) -> None:
        """An attempt of the queue ended."""
        busy = self._busy.pop(queue) - 1
        if busy:
            self._busy[queue] = busy
        if answered:
            self._of_queues.leave(queue)
            self._of_handlers.leave(handler)
            self._back[queue] = self._back.get(queue, 0) + 1
