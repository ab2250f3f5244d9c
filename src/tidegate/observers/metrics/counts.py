"""What has happened since the start, counted from the engine's events, queue by queue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tidegate.core.errors import Code
from tidegate.core.histogram import Exemplar, Histogram
from tidegate.core.lifecycle import Gone
from tidegate.engine.ports.events import (
    AllDeleted,
    AttemptEnded,
    AttemptStarted,
    QueueDeleted,
    TaskDied,
    TasksAcknowledged,
    TasksCreated,
    TasksLeased,
)
from tidegate.observers.listeners import ByClass

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 1800.0)
"""Upper ends of buckets: from a handler next door to the longest deadline of an HTTP task."""

QUEUES_MOST = 11_000
"""Queues with counts of their own, a kilobyte each."""

ACTIVE_FOR = 24 * 3600.0
"""Seconds without anything new after which a queue has no counts of its own any more."""

RETIRE_EVERY = 3600.0
"""Seconds between two looks for such queues: a microsecond each."""

CODE_NAMES = {code: code.name for code in Code}
"""The name of an enum's member takes long to look up."""


class QueueCounts:
    """What happened in one queue, or in all that have none of their own."""

    __slots__ = (
        "acknowledged",
        "active_at",
        "created",
        "delays",
        "died",
        "durations",
        "ended",
        "given_up",
        "leased",
        "seen",
        "started",
    )

    def __init__(self) -> None:
        self.created = 0
        self.started = 0
        self.ended: Counter[str] = Counter()  # by the code of their outcome
        self.given_up: Counter[str] = Counter()  # by the limit that was reached
        self.died: Counter[str] = Counter()  # by the reason
        self.leased = 0
        self.acknowledged = 0
        self.delays = Histogram(SECONDS)  # from the schedule time to the dispatch
        self.durations = Histogram(SECONDS)  # from the dispatch to the outcome
        self.seen = 0  # events, when it was looked at last
        self.active_at: float | None = None  # when it was seen to have new ones

    @property
    def events(self) -> int:
        return self.created + self.started + self.ended.total() + self.leased + self.acknowledged

    def take_in(self, others: Sequence[QueueCounts]) -> None:
        """Add what others have counted."""
        self.delays.take_in([other.delays for other in others])
        self.durations.take_in([other.durations for other in others])
        for other in others:
            self.created += other.created
            self.started += other.started
            self.leased += other.leased
            self.acknowledged += other.acknowledged
            for reason, count in other.died.items():
                self.died[reason] += count
            for code, count in other.ended.items():
                self.ended[code] += count
            for limit, count in other.given_up.items():
                self.given_up[limit] += count


class Counts(ByClass):
    """``ports.Events``: counts what it hears.

    ``queues`` are the queues with counts of their own, by name: at most ``most``, those that were active first.
    ``other`` is the sum of the rest. Deleting a queue ends its counts.
    """

    def __init__(self, most: int = QUEUES_MOST) -> None:
        self._retired_at: float | None = None
        self.queues: dict[str, QueueCounts] = {}
        self.other = QueueCounts()
        self._most = most
        super().__init__(
            {
                TasksCreated: self._created,
                AttemptStarted: self._started,
                AttemptEnded: self._ended,
                TaskDied: self._died,
                TasksLeased: self._leased,
                TasksAcknowledged: self._acknowledged,
                QueueDeleted: self._deleted,
                AllDeleted: self._all_deleted,
            }
        )

    def mark(self, queue: str, exemplar: Exemplar) -> None:
        """An attempt of a queue took so long, in this span."""
        self.queues.get(queue, self.other).durations.mark(exemplar)

    def retire(self, now: float) -> None:
        """Move the counts of queues that were not active for a day to the others; ``now`` is machine time.

        From then on these queues count as others, until they are active again. Looks once an hour, however often it is
        called.
        """
        if self._retired_at is not None and now - self._retired_at < RETIRE_EVERY:
            return
        self._retired_at = now
        for name, counts in list(self.queues.items()):
            if counts.active_at is None or counts.events != counts.seen:
                counts.seen, counts.active_at = counts.events, now
            elif now - counts.active_at >= ACTIVE_FOR:
                self.other.take_in([self.queues.pop(name)])

    def _of(self, name: str) -> QueueCounts:
        counts = self.queues.get(name)
        if counts is None:
            if len(self.queues) >= self._most:
                return self.other
            counts = self.queues[name] = QueueCounts()
        return counts

    def _created(self, event: TasksCreated) -> None:
        self._of(event.queue.name).created += len(event.tasks)

    def _started(self, event: AttemptStarted) -> None:
        counts = self._of(event.queue.name)
        counts.started += 1
        counts.delays.add((event.at - event.task.schedule_time).total_seconds())

    def _ended(self, event: AttemptEnded) -> None:
        counts = self.queues.get(event.queue.name, self.other)  # of a queue that was deleted, nothing begins anew
        counts.ended[CODE_NAMES[event.status.code]] += 1
        counts.durations.add(event.took.total_seconds())
        judgement = event.judgement
        if isinstance(judgement, Gone) and judgement.limit is not None:
            counts.given_up[judgement.limit.name] += 1

    def _died(self, event: TaskDied) -> None:
        self.queues.get(event.queue, self.other).died[event.reason.name] += 1

    def _leased(self, event: TasksLeased) -> None:
        self._of(event.queue).leased += event.count

    def _acknowledged(self, event: TasksAcknowledged) -> None:
        self._of(event.queue).acknowledged += event.count

    def _deleted(self, event: QueueDeleted) -> None:
        self.queues.pop(event.queue, None)

    def _all_deleted(self, _event: AllDeleted) -> None:
        self.queues.clear()
