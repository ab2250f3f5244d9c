"""What the clients know for certain, and what must therefore be true however often the server died."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tests.endtoend.handler import Arrival, Handler
from tests.kit.told import Told


@dataclass(slots=True)
class Known:
    """A task as its creator and others know it. Times are monotonic seconds, ``due`` microseconds of the wall clock."""

    queue: str
    task: str
    script: str
    due: int | None = None
    far: bool = False
    """Due long after the test: it must still be there at the end."""
    acknowledged: bool = False
    deleted_at: float | None = None
    """When the answer to its deletion, or to a purge of its queue, was there."""
    delete_tried: bool = False
    seen_gone_at: float | None = None
    """When GetTask had said that it exists no longer."""


class Ledger:
    """Every task of a test. Threads add to it; the checks read it when they are done."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.tasks: list[Known] = []
        self.unfinished: list[str] = []
        """Operations of batches that had not ended although the process that began them is no more."""
        self.retried_creates = 0
        self.existed_already = 0
        self.lock = threading.Lock()

    def add(self, known: Known) -> Known:
        with self.lock:
            self.tasks.append(known)
        return known

    def arrivals(self, known: Known) -> list[Arrival]:
        return self.handler.arrivals(known.queue, known.task)

    def delivered(self, known: Known) -> bool:
        return self.handler.delivered(known.queue, known.task)

    def far_told(self, queue: str) -> Told:
        """What is known of the queue's tasks that are due long after the test."""
        far = [known for known in self.tasks if known.queue == queue and known.far]
        return Told(
            created={known.task for known in far if known.acknowledged},
            unsure={known.task for known in far if not known.acknowledged},
            removal_asked={known.task for known in far if known.delete_tried},
            removed={known.task for known in far if known.deleted_at is not None},
        )

    def awaited(self) -> list[Known]:
        """Acknowledged tasks that nobody tried to delete and that were not delivered yet."""
        return [
            known
            for known in self.tasks
            if known.acknowledged and not known.delete_tried and not known.far and not self.delivered(known)
        ]

    def returned(self, lives: Sequence[float]) -> list[tuple[Known, Arrival]]:
        """Attempts of tasks that were known to be no more; ``lives`` is when each life of the server began.

        A deletion ends no attempt under way, so only the attempts of later lives count; a finished task has none.
        """
        return [
            (known, arrival)
            for known in self.tasks
            for arrival in self.arrivals(known)
            if (known.deleted_at is not None and lives[arrival.life] > known.deleted_at)
            or (known.seen_gone_at is not None and arrival.at > known.seen_gone_at)
        ]

    def repeated(self) -> list[tuple[Arrival, Arrival]]:
        """Attempts after one that was answered 200, or that the handler was still busy with."""
        return [(a, b) for a, b in self._consecutive() if a.status == 200 or a.ended is None]

    def repeated_after(self) -> Counter[tuple[int, str]]:
        """For each life and queue, how many of its attempts were made again in later lives."""
        return Counter((earlier.life, earlier.queue) for earlier, _ in self.repeated())

    def repeated_within_a_life(self) -> list[tuple[Arrival, Arrival]]:
        return [(a, b) for a, b in self.repeated() if a.life == b.life]

    def misnumbered(self) -> list[tuple[Arrival, Arrival]]:
        """An attempt is on disk, with its number, before it is sent: no number is ever seen twice."""
        return [(a, b) for a, b in self._consecutive() if b.attempt <= a.attempt]

    def early(self) -> list[Arrival]:
        return [
            arrival
            for known in self.tasks
            for arrival in self.arrivals(known)
            if arrival.wall < max(arrival.eta, known.due or 0)
        ]

    def _consecutive(self) -> Iterator[tuple[Arrival, Arrival]]:
        for known in self.tasks:
            yield from pairwise(self.arrivals(known))
