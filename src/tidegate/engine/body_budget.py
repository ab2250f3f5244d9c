"""Room in memory for long bodies: attempts under way hold no more of them than fits, whatever waits.

A task's body is held from its claim to the record of its attempt, up to a megabyte each. A claim therefore takes only
as many long tasks as there is room for; the others stay where they are, not dispatched, and lose no place. Waiting
between claim and sending instead would let attempts pile up and start all at once, past the rate of their queue.
"""

from __future__ import annotations

from collections.abc import Mapping

from tidegate.core.names import QueueName

BULK_LIMIT = 32 * 2**20
"""Bytes of bulky tasks under way, over all queues. The sender makes no copies of them (measured)."""

FORCED_BULK = 4096
"""Bytes of body from which a task counts that RunTask forced. It is never refused, but claims see what it holds."""


class BodyBudget:
    """How many bytes of bulky tasks each queue has under way.

    A queue may hold as much as it leaves free. So one alone gets half of the limit, a second one half of what is then
    left: handlers that hang on megabytes fill a part of the room, never all of it.
    """

    def __init__(self, held: Mapping[QueueName, int] | None = None) -> None:
        self._held = dict(held or {})
        self._total = sum(self._held.values())
        self.releases = 0
        """How often some was given back: who found no room may look whether there was some since."""

    def copy(self) -> BodyBudget:
        return BodyBudget(self._held)

    def room(self, queue: QueueName) -> int:
        """How many bytes more the queue may hold. Always enough for the largest task when nothing is held."""
        return max(0, (BULK_LIMIT - self._total - self._held.get(queue, 0)) // 2)

    def has_room(self) -> bool:
        """Whether anything of the limit is left."""
        return self._total < BULK_LIMIT

    def hold(self, queue: QueueName, size: int) -> None:
        self._held[queue] = self._held.get(queue, 0) + size
        self._total += size

    def release(self, queue: QueueName, size: int) -> None:
        left = self._held[queue] - size
        if left:
            self._held[queue] = left
        else:
            del self._held[queue]
        self._total -= size
        self.releases += 1
