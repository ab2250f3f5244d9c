"""When each queue is to be looked at: one moment a queue, the earliest that was named."""

from __future__ import annotations

import heapq
from datetime import datetime
from itertools import count

from tidegate.core.names import QueueName

SPARE_MOMENTS = 1024
"""Overtaken moments that may lie about before they are cleared out."""


class Moments:
    """Queues by the moments at which they are to be looked at."""

    def __init__(self) -> None:
        self._moments: dict[QueueName, datetime] = {}
        self._heap: list[tuple[datetime, int, QueueName]] = []  # the number keeps those of one moment in their order
        self._numbers = count()

    def add(self, queue: QueueName, at: datetime) -> bool:
        """Name a moment for a queue; one that is later than the known one changes nothing. Returns whether this is now
        the first of all.
        """
        known = self._moments.get(queue)
        if known is not None and known <= at:
            return False
        self._moments[queue] = at
        if len(self._heap) > 2 * len(self._moments) + SPARE_MOMENTS:  # mostly moments that others overtook
            self._heap = [(moment, next(self._numbers), name) for name, moment in self._moments.items()]
            heapq.heapify(self._heap)
        else:
            heapq.heappush(self._heap, (at, next(self._numbers), queue))
        return self._heap[0][0] == at

    def get(self, queue: QueueName) -> datetime | None:
        return self._moments.get(queue)

    def first(self) -> datetime | None:
        """The first moment of all, None without any."""
        while self._heap:
            at, _, queue = self._heap[0]
            if self._moments.get(queue) == at:
                return at
            heapq.heappop(self._heap)  # the queue has an earlier one
        return None

    def take(self, now: datetime, limit: int) -> list[QueueName]:
        """Up to ``limit`` queues whose moments have come, in their order; they have none from now on."""
        names: list[QueueName] = []
        while self._heap and self._heap[0][0] <= now and len(names) < limit:
            at, _, queue = heapq.heappop(self._heap)
            if self._moments.get(queue) == at:  # else an older, later moment of a queue that had an earlier one
                del self._moments[queue]
                names.append(queue)
        return names
