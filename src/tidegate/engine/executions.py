"""How many attempts were answered lately, queue by queue.

Kept in memory, for it is an estimate about a minute: in the store it would make every record of an attempt longer. A
restart begins it anew, and each node counts what it sent itself.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping

from tidegate.core.names import QueueName

SECONDS = 60


class Executions:
    """Counts of the last minute, by seconds of machine time; what is older is forgotten."""

    def __init__(self) -> None:
        self._seconds: deque[tuple[int, Counter[QueueName]]] = deque()

    def add(self, answered: Mapping[QueueName, int], at: float) -> None:
        """So many attempts of each queue were answered."""
        second = int(at)
        self._forget(second)
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append((second, Counter()))
        self._seconds[-1][1].update(answered)

    def clear(self) -> None:
        """Forget them all."""
        self._seconds.clear()

    def last_minute(self, at: float) -> Mapping[QueueName, int]:
        """How many attempts of each queue were answered; 0 for queues that are not in it."""
        self._forget(int(at))
        total: Counter[QueueName] = Counter()
        for _, counts in self._seconds:
            total.update(counts)
        return total

    def _forget(self, second: int) -> None:
        while self._seconds and self._seconds[0][0] <= second - SECONDS:
            self._seconds.popleft()
