"""What can be asked about, and how it follows from the counts that are kept."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

from tidegate.observers.metrics.counts import SECONDS


class Metric(IntEnum):
    """``Metric`` of the operator's API; the numbers are the API's."""

    CREATED = 1
    SUCCEEDED = 2
    FAILED = 3
    DEPTH = 4
    IN_FLIGHT = 5
    RESPONSE_TIME_P50 = 6
    RESPONSE_TIME_P95 = 7
    RESPONSE_TIME_P99 = 8


# The columns of a row: counts of a step, then what was there at its end, then how many attempts of the step ended
# within each of the ``SECONDS``.
CREATED, SUCCEEDED, FAILED, DEPTH, IN_FLIGHT = range(5)
FIRST_BUCKET: Final = 5
WIDTH: Final = FIRST_BUCKET + len(SECONDS) + 1
COUNTED: Final = frozenset({CREATED, SUCCEEDED, FAILED, *range(FIRST_BUCKET, WIDTH)})
"""The columns that add up over steps; of the others the last value counts."""

_COLUMNS: Final = {
    Metric.CREATED: CREATED,
    Metric.SUCCEEDED: SUCCEEDED,
    Metric.FAILED: FAILED,
    Metric.DEPTH: DEPTH,
    Metric.IN_FLIGHT: IN_FLIGHT,
}
_QUANTILES: Final = {Metric.RESPONSE_TIME_P50: 0.5, Metric.RESPONSE_TIME_P95: 0.95, Metric.RESPONSE_TIME_P99: 0.99}


def columns_of(metric: Metric) -> Sequence[int]:
    """The columns that a metric is made of."""
    return range(FIRST_BUCKET, WIDTH) if metric in _QUANTILES else (_COLUMNS[metric],)


def is_gauge(metric: Metric) -> bool:
    """Whether the metric is what was there at the end of a step."""
    return metric in {Metric.DEPTH, Metric.IN_FLIGHT}


def value_of(metric: Metric, columns: Sequence[int]) -> float | None:
    """The metric's value from its columns; None when there is none, as the response time of no attempt."""
    quantile = _QUANTILES.get(metric)
    return float(columns[0]) if quantile is None else quantile_of(columns, quantile)


def quantile_of(counts: Sequence[int], quantile: float) -> float | None:
    """The seconds that this part of the values stayed below, interpolated in the bucket where it lies. None without
    values; the upper end of the last bucket for what lies beyond.
    """
    rank = quantile * sum(counts)
    if not rank:
        return None
    below = 0
    lower = 0.0
    for count, upper in zip(counts, SECONDS, strict=False):
        if below + count >= rank:
            return lower + (upper - lower) * (rank - below) / count
        below += count
        lower = upper
    return SECONDS[-1]
