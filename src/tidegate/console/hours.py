"""The last hour of a queue, as pictures."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct

from tidegate.console import charts
from tidegate.console.places import QUEUE_STATUS
from tidegate.console.snapshot import moment
from tidegate.console.visit import Visit, if_built
from tidegate.core.names import QueueName
from tidegate.schema.operator import Metric, Operator

HOUR: Final = timedelta(hours=1)
STEP: Final = timedelta(minutes=1)
MARKS: Final = 5


class QueueHour(Struct, frozen=True):
    """Tasks in queue and attempts a minute, ready to be drawn. ``marks`` are times along the bottom."""

    depth: charts.Line
    depth_top: float
    depth_now: float
    depth_first: float
    succeeded: Sequence[str]
    failed: Sequence[str]
    attempts_top: float
    attempts: float
    failures: float
    marks: Sequence[datetime]


async def series(visit: Visit, name: QueueName, metric: Metric, step: timedelta, length: timedelta) -> Any:
    """The points of one metric; None where this server keeps no series."""
    request = Operator.query_time_series.request_pb(parent=name.parent, queues=[name], metric=metric)
    request.step.FromTimedelta(step)
    request.end_time.FromDatetime(visit.now)
    request.start_time.FromDatetime(visit.now - length)
    answer = await if_built(visit.calls(Operator.query_time_series, request))
    if answer is None:
        return None
    return next((each.points for each in answer.series if each.queue == name), [])


def spread(points: Any, end: datetime, step: timedelta, length: timedelta) -> list[float]:
    """One value for each step of the time until ``end``; 0 where there is no point."""
    many = int(length / step)
    values = [0.0] * many
    for point in points:
        at = moment(point, "time")
        if at is not None:
            place = many - 1 - int((end - at) / step)
            if 0 <= place < many:
                values[place] = point.value
    return values


async def hour_of(visit: Visit, name: QueueName) -> QueueHour | None:
    """None where this server keeps no series, or the visitor may not read those of the location."""
    if not visit.sees(QUEUE_STATUS, name.parent):
        return None
    found = await asyncio.gather(
        *(series(visit, name, metric, STEP, HOUR) for metric in (Metric.DEPTH, Metric.SUCCEEDED, Metric.FAILED))
    )
    if any(points is None for points in found):
        return None
    depth, succeeded, failed = (spread(points, visit.now, STEP, HOUR) for points in found)
    depth_top = charts.round_up(max(depth))
    attempts_top = charts.round_up(max(map(sum, zip(succeeded, failed, strict=True))))
    good, bad = charts.bars(succeeded, failed, attempts_top)
    return QueueHour(
        depth=charts.line(depth, charts.PLOT_WIDTH, charts.PLOT_HEIGHT, depth_top),
        depth_top=depth_top,
        depth_now=depth[-1],
        depth_first=depth[0],
        succeeded=good,
        failed=bad,
        attempts_top=attempts_top,
        attempts=sum(succeeded) + sum(failed),
        failures=sum(failed),
        marks=[visit.now - HOUR + HOUR * at / (MARKS - 1) for at in range(MARKS)],
    )
