"""The series of all queues: sampled every ten seconds from what the metrics have counted anyway.

A queue that was active within a day has all metrics, in steps of 10 s for an hour and of 1 min for a day. There are
1,000 such queues at most; the others have a spark line, the attempts that succeeded in each minute of the last hour.
All of them together have a room in memory, of which each has its share: where many queues are so busy that a day of
theirs takes more, their minutes reach back less far.
"""

from __future__ import annotations

import asyncio
import logging
from array import array
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby, islice
from typing import Final

from msgspec import Struct

from tidegate.core.names import QueueName
from tidegate.core.stats import QueueStats
from tidegate.engine.ports.world import Clock, MachineClock
from tidegate.observers.metrics.counts import Counts, QueueCounts
from tidegate.observers.series.line import Line
from tidegate.observers.series.metric import (
    COUNTED,
    FIRST_BUCKET,
    WIDTH,
    Metric,
    columns_of,
    is_gauge,
    value_of,
)

logger = logging.getLogger(__name__)

FINE: Final = 10
COARSE: Final = 60
"""Seconds of a step."""
FINE_ROWS: Final = 360
COARSE_ROWS: Final = 1440
"""Steps that are kept: an hour and a day."""

QUEUES_MAX: Final = 1000
"""Queues with all metrics."""
ROOM: Final = 40 * 2**20
"""Bytes that the rows of all queues may take. 700 queues can fill it, if each has thousands of attempts in every
minute of the day, with response times in all buckets; what is usual takes a tenth of that.
"""
SPARKS_MAX: Final = 10_000
"""Queues with a spark line; further ones have nothing."""
SPARK_MINUTES: Final = 60

IDLE_MAX: Final = 24 * 3600 // FINE
"""Samples without activity after which a queue is forgotten."""
QUIET: Final = 3600 // FINE
"""Samples without activity after which a queue gives way to one that is active."""

AT_ONCE: Final = 200
"""Queues sampled in one step: a millisecond or two."""

Stats = Callable[[Sequence[QueueName]], Awaitable[Mapping[QueueName, QueueStats]]]


class Points(Struct, frozen=True):
    """The values of a queue: the end of each step, and what it had; the oldest first."""

    queue: str
    points: list[tuple[datetime, float]]


class _Totals:
    """What a queue had counted when it was sampled last. ``counts`` tells it from another of its name."""

    __slots__ = ("counts", "created", "ended", "succeeded")

    def __init__(self, counts: QueueCounts) -> None:
        self.counts = counts
        self.created = self.ended = self.succeeded = 0


class _Spark:
    """Attempts that succeeded in each minute of the last hour."""

    __slots__ = ("counts", "minute")

    def __init__(self, minute: int) -> None:
        self.minute = minute  # the newest
        self.counts = array("I", [0] * SPARK_MINUTES)

    def add(self, minute: int, count: int) -> None:
        for passed in range(max(self.minute + 1, minute - SPARK_MINUTES + 1), minute + 1):
            self.counts[passed % SPARK_MINUTES] = 0
        self.minute = max(self.minute, minute)
        self.counts[minute % SPARK_MINUTES] += count

    def read(self, begin: int, end: int) -> Iterator[tuple[int, tuple[int, ...]]]:
        for minute in range(max(begin, self.minute - SPARK_MINUTES + 1), min(end, self.minute + 1)):
            yield minute, (self.counts[minute % SPARK_MINUTES],)


class _Tracked:
    """A queue with all metrics. ``minute`` adds up the row of the minute that is not over."""

    __slots__ = ("active_at", "buckets", "coarse", "created", "failed", "fine", "minute", "succeeded")

    def __init__(self, counts: QueueCounts | None, at: int) -> None:
        self.active_at = at
        self.fine = Line(FINE_ROWS)
        self.coarse = Line(COARSE_ROWS)
        self.minute = [0] * WIDTH
        self.created, self.succeeded, self.failed = _ended(counts)
        self.buckets = [0] * (WIDTH - FIRST_BUCKET) if counts is None else list(counts.durations.counts)

    def row(self, counts: QueueCounts | None, stats: QueueStats | None) -> list[int]:
        """What was counted since the last sample, and what is there now."""
        created, succeeded, failed = _ended(counts)
        buckets = self.buckets if counts is None else counts.durations.counts
        row = [
            created - self.created,
            succeeded - self.succeeded,
            failed - self.failed,
            0 if stats is None else stats.tasks,
            0 if stats is None else stats.in_flight,
            *[now - before for now, before in zip(buckets, self.buckets, strict=True)],
        ]
        self.created, self.succeeded, self.failed = created, succeeded, failed
        self.buckets = list(buckets)
        return row

    def add(self, slot: int, row: Sequence[int]) -> None:
        self.fine.add(slot, row)
        self.minute = [
            before + now if column in COUNTED else now
            for column, (before, now) in enumerate(zip(self.minute, row, strict=True))
        ]

    def end_minute(self, minute: int, share: int) -> None:
        """What was added up is that of this minute. All rows take ``share`` bytes at most: the oldest minutes go."""
        self.coarse.add(minute, self.minute)
        self.minute = [0] * WIDTH
        self.coarse.shorten(share - self.fine.size)


def share_of(queues: int) -> int:
    """The bytes that the rows of each of so many queues may take."""
    return ROOM // max(1, queues)


def _ended(counts: QueueCounts | None) -> tuple[int, int, int]:
    """Tasks created, attempts that succeeded and attempts that failed since the start."""
    if counts is None:
        return 0, 0, 0
    succeeded = counts.ended["OK"]
    return counts.created, succeeded, counts.ended.total() - succeeded


class Series:
    """Samples the metrics while it runs. ``stats`` asks the store for the depth of queues."""

    def __init__(self, counts: Counts, stats: Stats, clock: Clock, machine: MachineClock) -> None:
        self._counts = counts
        self._stats = stats
        self._clock = clock
        self._machine = machine
        self._totals: dict[str, _Totals] = {}
        self._tracked: OrderedDict[str, _Tracked] = OrderedDict()  # by their last activity
        self._sparks: dict[str, _Spark] = {}
        self._slot = _slot(clock.now()) - 1  # of the last sample
        self._open_minute: int | None = None  # that the last sample did not end
        self._samples = 0

    async def run(self) -> None:
        """Sample until cancelled."""
        while True:
            await self._machine.sleep(FINE - self._machine.now().timestamp() % FINE)
            try:
                await self.sample()
            except Exception:  # charts are not worth a server
                logger.exception("cannot sample the queues for their charts")

    async def track(self, queue: QueueName) -> None:
        """Have a queue sampled from now on, for somebody looks at it, if there is room and it is not sampled yet."""
        if queue not in self._tracked and len(self._tracked) < QUEUES_MAX and await self._stats([queue]):
            self._tracked[queue] = _Tracked(self._counts.queues.get(queue), self._samples)
            self._sparks.pop(queue, None)

    async def sample(self) -> None:
        """Note what happened since the last sample as that of the step that ends now."""
        slot = _slot(self._clock.now()) - 1
        if slot < self._slot - 1:  # the clock was set back: there is no way to go on
            self._begin_anew(slot)
        if slot <= self._slot:
            return
        self._slot = slot
        self._samples += 1
        await self._notice(slot * FINE // COARSE)
        minute, over = slot * FINE // COARSE, (slot + 1) * FINE % COARSE == 0
        before = self._open_minute if self._open_minute != minute else None
        names = list(self._tracked)
        share = share_of(len(names))
        for start in range(0, len(names), AT_ONCE):
            some = [QueueName(name) for name in names[start : start + AT_ONCE]]
            stats = await self._stats(some)
            for name in some:
                tracked = self._tracked.get(name)
                if tracked is None:
                    continue
                if before is not None:
                    tracked.end_minute(before, share)
                tracked.add(slot, tracked.row(self._counts.queues.get(name), stats.get(name)))
                if over:
                    tracked.end_minute(minute, share)
        self._open_minute = None if over else minute

    def keeps(self, queue: str) -> bool:
        """Whether something is kept of the queue."""
        return queue in self._tracked or queue in self._sparks

    def read(self, queue: str, metric: Metric, begin: int, end: int, step: int) -> Points | None:
        """The values of a queue in steps of ``step`` seconds, a multiple of ``FINE``, between the moments ``begin`` and
        ``end``, in seconds since 1970. None when nothing is kept of the queue.
        """
        tracked = self._tracked.get(queue)
        if tracked is None:
            spark = self._sparks.get(queue)
            if spark is None or metric is not Metric.SUCCEEDED or step % COARSE:
                return None
            base, rows = COARSE, spark.read(begin // COARSE, -(-end // COARSE))
        else:
            base = self.base(begin, step)
            line = tracked.fine if base == FINE else tracked.coarse
            rows = line.read(columns_of(metric), begin // base, -(-end // base))
        points: list[tuple[datetime, float]] = []
        for at, values in _gathered(rows, step // base, gauge=is_gauge(metric)):
            value = value_of(metric, values)
            if value is not None:
                points.append((datetime.fromtimestamp((at + 1) * step, UTC), value))
        return Points(queue, points)

    def base(self, begin: int, step: int) -> int:
        """The seconds of the kept steps from which those of ``step`` seconds since ``begin`` are made."""
        return COARSE if step % COARSE == 0 and begin < (self._slot + 1 - FINE_ROWS) * FINE else FINE

    def queues(self, under: str) -> list[str]:
        """The queues of ``projects/P/locations/L`` of which something is kept."""
        prefix = f"{under}/"
        return sorted(name for name in (*self._tracked, *self._sparks) if name.startswith(prefix))

    async def _notice(self, minute: int) -> None:
        """Find out which queues were active, and which of them are sampled."""
        queues = self._counts.queues
        for gone in [name for name, totals in self._totals.items() if queues.get(name) is not totals.counts]:
            self._forget(gone)
        names = iter(list(queues))
        while some := list(islice(names, AT_ONCE)):
            for name in some:
                counts = queues.get(name)
                if counts is not None:
                    self._look(name, counts, minute)
            await asyncio.sleep(0)
        for name in [name for name, each in self._tracked.items() if self._samples - each.active_at > IDLE_MAX]:
            del self._tracked[name]

    def _look(self, name: str, counts: QueueCounts, minute: int) -> None:
        """Note whether a queue was active since the last sample."""
        totals = self._totals.get(name)
        is_new = totals is None
        if totals is None:
            totals = self._totals[name] = _Totals(counts)
        ended, succeeded = counts.ended.total(), counts.ended["OK"]
        active = ended != totals.ended or counts.created != totals.created
        new = succeeded - totals.succeeded
        totals.created, totals.ended, totals.succeeded = counts.created, ended, succeeded
        if not active:
            return
        tracked = self._tracked.get(name)
        if tracked is None and self._make_room():
            # What a new queue has counted was since the last sample; of another one that is not known any more.
            tracked = self._tracked[name] = _Tracked(None if is_new else counts, self._samples)
            self._sparks.pop(name, None)
        if tracked is not None:
            tracked.active_at = self._samples
            self._tracked.move_to_end(name)
            return
        spark = self._sparks.get(name)
        if spark is None:
            if len(self._sparks) >= SPARKS_MAX:
                return
            spark = self._sparks[name] = _Spark(minute)
        spark.add(minute, new)

    def _make_room(self) -> bool:
        """Whether one more queue may be sampled, once a quiet one has given way if need be."""
        if len(self._tracked) < QUEUES_MAX:
            return True
        name, longest = next(iter(self._tracked.items()))
        if self._samples - longest.active_at < QUIET:
            return False
        del self._tracked[name]
        return True

    def _forget(self, name: str) -> None:
        self._totals.pop(name, None)
        self._tracked.pop(name, None)
        self._sparks.pop(name, None)

    def _begin_anew(self, slot: int) -> None:
        self._tracked.clear()
        self._sparks.clear()
        self._open_minute = None
        self._slot = slot


def _gathered(
    rows: Iterable[tuple[int, tuple[int, ...]]], together: int, *, gauge: bool
) -> Iterator[tuple[int, Sequence[int]]]:
    """Rows of so many slots together: of a gauge the last, of the others the sum."""
    for at, group in groupby(rows, lambda row: row[0] // together):
        values = [each for _, each in group]
        yield at, values[-1] if gauge or len(values) == 1 else [sum(column) for column in zip(*values, strict=True)]


def _slot(moment: datetime) -> int:
    """The step in which a moment lies."""
    return int(moment.timestamp()) // FINE
