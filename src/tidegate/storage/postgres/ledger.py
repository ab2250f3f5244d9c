"""What a node knows of its own and has not written yet: places to give back, counts of tasks, flows to clear away."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from tidegate.core.bucket import Flow
from tidegate.core.lifecycle import Outcome
from tidegate.core.task import Target
from tidegate.storage.postgres.heads import Heads


class Freed(NamedTuple):
    """Ended attempts of a queue: how many ``places`` they give back, and what its throttle learns from them."""

    places: int
    answers: Sequence[tuple[Target, Outcome]]
    latest: datetime


class Ledger:
    """Kept over the transactions of a node's life; the writing thread changes it once a transaction is committed."""

    def __init__(self) -> None:
        self.freed: defaultdict[int, list[Freed]] = defaultdict(list)
        """By queue: ended attempts whose places its newest flow still counts."""
        self.counts: Counter[int] = Counter()
        """Tasks more or less by generation."""
        self.heads = Heads()
        self._flows: dict[int, tuple[int, int]] = {}  # by queue: the first flow that may be there, the newest of ours
        self._overtaken: set[int] = set()  # queues that have flows before the newest

    @property
    def has_news(self) -> bool:
        return bool(self.freed or self.counts or self._overtaken)

    def apply(self, queue: int, flow: Flow) -> tuple[Flow, int]:
        """The flow without the attempts that have ended since, and how many entries that took in."""
        freed = self.freed.get(queue)
        if not freed:
            return flow, 0
        for each in freed:
            flow = flow.ended(each.places).answered(each.answers, each.latest)
        return flow, len(freed)

    def wrote(self, queue: int, entries: int, n: int) -> None:
        """A flow that takes in so many entries was committed."""
        freed = self.freed.get(queue)
        if freed is not None:
            del freed[:entries]
            if not freed:
                del self.freed[queue]
        first, _ = self._flows.get(queue, (0, 0))
        self._flows[queue] = (first, n)
        if first < n:
            self._overtaken.add(queue)

    def spent_flows(self) -> list[tuple[int, int, int]]:
        """Queues with the flows to clear away: from one on, up to the newest, which stays."""
        return [(queue, *self._flows[queue]) for queue in self._overtaken]

    def cleared(self, queue: int, newest: int) -> None:
        """The flows before this one are gone."""
        _, last = self._flows[queue]
        self._flows[queue] = (newest, last)
        if last <= newest:
            self._overtaken.discard(queue)

    def switched(self) -> None:
        """The database has another past: flows that were the newest may not be there."""
        self._flows.clear()
        self._overtaken.clear()

    def forget(self) -> None:
        """A new life begins: what the last one had under way is given back by others."""
        self.freed.clear()
