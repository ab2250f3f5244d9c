"""Numbers over time, for charts."""

from __future__ import annotations

from collections.abc import MutableSequence
from datetime import datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from tidegate.schema.declare import DOUBLE, STRING, Enum, Message, field, module, repeated

__protobuf__ = module(
    "tidegate.operator.v1",
    "Metric",
    "Point",
    "TimeSeries",
    "QueryTimeSeriesRequest",
    "QueryTimeSeriesResponse",
)


class Metric(Enum):
    """The metric."""

    METRIC_UNSPECIFIED = 0
    CREATED = 1
    """Tasks created in each step."""
    SUCCEEDED = 2
    """Attempts of each step that succeeded."""
    FAILED = 3
    """Attempts of each step that failed."""
    DEPTH = 4
    """Tasks in the queue at the end of the step."""
    IN_FLIGHT = 5
    """Attempts under way at the end of the step."""
    RESPONSE_TIME_P50 = 6
    """The median time of attempts, in seconds."""
    RESPONSE_TIME_P95 = 7
    RESPONSE_TIME_P99 = 8


class Point(Message):
    """A value at a time."""

    time: datetime | None = field(Timestamp, 1)
    """The end of the step."""
    value: float = field(DOUBLE, 2)


class TimeSeries(Message):
    """The values of a queue, oldest first. A step without any has no point."""

    queue: str = field(STRING, 1)
    points: MutableSequence[Point] = repeated(Point, 2)


class QueryTimeSeriesRequest(Message):
    """Reads a metric of queues of a location."""

    parent: str = field(STRING, 1)
    queues: MutableSequence[str] = repeated(STRING, 2)
    """Their full names; empty for all."""
    metric: Metric = field(Metric, 3)
    start_time: datetime | None = field(Timestamp, 4)
    """Unset: an hour before the end."""
    end_time: datetime | None = field(Timestamp, 5)
    """Unset: now."""
    step: timedelta = field(Duration, 6)
    """A whole number of the steps that are kept: 10 s for an hour, 1 min for a day. Unset: the finest."""


class QueryTimeSeriesResponse(Message):
    """A series for each queue that has one."""

    series: MutableSequence[TimeSeries] = repeated(TimeSeries, 1)
    step: timedelta = field(Duration, 2)
    """The step that was used."""
