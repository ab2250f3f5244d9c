"""How often values fell into each of some buckets."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from msgspec import Struct


class Exemplar(Struct, frozen=True, gc=False):
    """A value and the span that it was measured in, at ``at`` in seconds since 1970."""

    trace_id: int
    span_id: int
    value: float
    at: float


class Histogram:
    """Counts by bucket, and the sum of all values. ``ends`` are the upper ends of the buckets; the last has none."""

    __slots__ = ("counts", "ends", "exemplars", "total")

    def __init__(self, ends: Sequence[float]) -> None:
        self.ends = ends
        self.counts = [0] * (len(ends) + 1)
        self.total = 0.0
        self.exemplars: dict[int, Exemplar] | None = None
        """The last exemplar of each bucket, by its place; None where nothing is traced."""

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.ends, value)] += 1
        self.total += value

    def mark(self, exemplar: Exemplar) -> None:
        """Remember in which span a value was measured that is added, or is about to be."""
        if self.exemplars is None:
            self.exemplars = {}
        self.exemplars[bisect_left(self.ends, exemplar.value)] = exemplar

    def take_in(self, others: Sequence[Histogram]) -> None:
        """Add what other histograms with the same ends have counted, and their exemplars."""
        self.counts = [sum(column) for column in zip(self.counts, *(other.counts for other in others), strict=True)]
        self.total += sum(other.total for other in others)
        for other in others:
            if other.exemplars is not None:
                self.exemplars = {**(self.exemplars or {}), **other.exemplars}

    def cumulative(self) -> list[tuple[str, float]]:
        """How many values were at most as large as each end, as Prometheus writes buckets."""
        buckets: list[tuple[str, float]] = []
        below = 0
        for end, count in zip((*map(str, self.ends), "+Inf"), self.counts, strict=True):
            below += count
            buckets.append((end, below))
        return buckets
