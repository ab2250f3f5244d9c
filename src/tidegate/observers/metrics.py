"""What has happened since the start, counted from the engine's events, in the text that Prometheus reads."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any

from tidegate.engine.ports.events import AllDeleted, AttemptEnded, AttemptStarted, Event, QueueDeleted, TasksCreated

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# Upper ends in seconds: from a handler next door to the longest deadline of an HTTP task.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 1800.0)


class Histogram:
    """How often values fell into each bucket, and their sum."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.total = 0.0

    def add(self, span: timedelta) -> None:
        seconds = span.total_seconds()
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds


class QueueCounts:
    """What happened in one queue."""

    __slots__ = ("created", "delays", "durations", "ended", "started")

    def __init__(self) -> None:
        self.created = 0
        self.started = 0
        self.ended: Counter[str] = Counter()  # by the code of their outcome
        self.delays = Histogram()  # from the schedule time to the dispatch
        self.durations = Histogram()  # from the dispatch to the outcome

    @property
    def in_flight(self) -> int:
        return self.started - self.ended.total()


class Metrics:
    """``ports.Events``: counts what it hears; ``text`` is what has been counted so far, of the queues that are left."""

    def __init__(self) -> None:
        self.queues: dict[str, QueueCounts] = defaultdict(QueueCounts)
        self._outliving: Counter[str] = Counter()  # attempts under way of queues that were deleted
        self._count: dict[type[Event], Callable[[Any], None]] = {
            TasksCreated: self._created,
            AttemptStarted: self._started,
            AttemptEnded: self._ended,
            QueueDeleted: self._deleted,
            AllDeleted: self._all_deleted,
        }

    def emit(self, event: Event) -> None:
        count = self._count.get(type(event))
        if count is not None:
            count(event)

    def _created(self, event: TasksCreated) -> None:
        self.queues[event.queue.name].created += len(event.tasks)

    def _started(self, event: AttemptStarted) -> None:
        counts = self.queues[event.queue.name]
        counts.started += 1
        counts.delays.add(event.at - event.task.schedule_time)

    def _ended(self, event: AttemptEnded) -> None:
        name = event.queue.name
        if self._outliving and self._outlived(name):
            return
        counts = self.queues[name]
        counts.ended[event.status.code.name] += 1
        counts.durations.add(event.took)

    def _outlived(self, name: str) -> bool:
        """Whether an attempt that ended is to be left out. After a queue was made anew under its name, this takes the
        next that end for those of the old one: which they are does not show, but that all are left out in the end does.
        """
        if not self._outliving[name]:
            return False
        self._outliving[name] -= 1
        if not self._outliving[name]:
            del self._outliving[name]
        return True

    def _deleted(self, event: QueueDeleted) -> None:
        self._forget(event.queue)

    def _all_deleted(self, _event: AllDeleted) -> None:
        for name in list(self.queues):
            self._forget(name)

    def _forget(self, name: str) -> None:
        counts = self.queues.pop(name, None)
        if counts is not None and counts.in_flight:
            self._outliving[name] += counts.in_flight

    def text(self) -> str:
        """Every number, one a line, in the order of the queues' names."""
        queues = sorted(self.queues.items())
        families = (
            _family(
                "tasks_created_total",
                "counter",
                "Tasks created.",
                (f"{_labels(queue)} {counts.created}" for queue, counts in queues),
            ),
            _family(
                "attempts_total",
                "counter",
                "Attempts that ended, by the canonical code of their outcome.",
                (
                    f"{_labels(queue, code=code)} {count}"
                    for queue, counts in queues
                    for code, count in sorted(counts.ended.items())
                ),
            ),
            _family(
                "attempts_in_flight",
                "gauge",
                "Attempts under way.",
                (f"{_labels(queue)} {counts.in_flight}" for queue, counts in queues),
            ),
            _family(
                "attempt_delay_seconds",
                "histogram",
                "How long after its schedule time an attempt started.",
                (line for queue, counts in queues for line in _histogram(queue, counts.delays)),
            ),
            _family(
                "attempt_duration_seconds",
                "histogram",
                "How long an attempt took.",
                (line for queue, counts in queues for line in _histogram(queue, counts.durations)),
            ),
        )
        return "".join(f"{line}\n" for family in families for line in family)


def _family(name: str, kind: str, says: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"# HELP tidegate_{name} {says}"
    yield f"# TYPE tidegate_{name} {kind}"
    yield from (f"tidegate_{name}{line}" for line in lines)


def _labels(queue: str, **others: str) -> str:
    # Nothing here needs escaping: names of queues have neither quotes nor backslashes.
    return "{" + ",".join(f'{name}="{value}"' for name, value in {"queue": queue, **others}.items()) + "}"


def _histogram(queue: str, histogram: Histogram) -> Iterator[str]:
    below = 0
    for end, count in zip((*map(str, BUCKETS), "+Inf"), histogram.counts, strict=True):
        below += count
        yield f"_bucket{_labels(queue, le=end)} {below}"
    yield f"_sum{_labels(queue)} {histogram.total:.6f}"
    yield f"_count{_labels(queue)} {below}"
