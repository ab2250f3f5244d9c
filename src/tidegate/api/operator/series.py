"""Numbers over time, for charts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from tidegate.api.operator.parts import Parts
from tidegate.api.pace import Pace
from tidegate.api.times import put_moment, put_span, read_duration, read_moment
from tidegate.core.errors import InvalidArgument, Unimplemented
from tidegate.core.names import QUEUE, LocationName, QueueName
from tidegate.core.times import Duration
from tidegate.observers.series import COARSE, COARSE_ROWS, FINE, FINE_ROWS, Metric
from tidegate.schema.operator import QueryTimeSeriesResponse
from tidegate.schema.rpc import raw

POINTS_MAX: Final = 100_000
"""Points of one answer: some two megabytes."""

HOUR: Final = timedelta(seconds=FINE * FINE_ROWS)
DAY: Final = timedelta(seconds=COARSE * COARSE_ROWS)

_RESPONSE: Final = raw(QueryTimeSeriesResponse)


async def query_time_series(parts: Parts, request: Any, parent: LocationName, call: Any) -> Any:
    """A metric of some queues of a location, or of all that were active within a day."""
    kept = parts.series
    if kept is None:
        raise Unimplemented("This server keeps no series.")
    metric = _metric(request.metric)
    named = [_queue(name, parent) for name in request.queues]
    begin, end, step = _span(parts, request)
    queues = named or kept.queues(parent)
    count = len(queues) * ((end - begin) // step)
    if count > POINTS_MAX:
        raise InvalidArgument(
            f"The answer would have {count} points, but may have {POINTS_MAX} at most. "
            "Ask for fewer queues, a shorter time or longer steps."
        )
    for name in named:
        await kept.track(name)
    response, pace = _RESPONSE(), Pace()
    put_span(response.step, timedelta(seconds=step))
    for queue in queues:
        points = kept.read(queue, metric, begin, end, step)
        if points is None:
            continue
        written = response.series.add(queue=queue)
        for when, value in points.points:
            put_moment(written.points.add(value=value).time, when)
        await pace.step()
    return response


def _metric(sent: int) -> Metric:
    try:
        return Metric(sent)
    except ValueError:
        raise InvalidArgument(f"metric must be one of {', '.join(each.name for each in Metric)}.") from None


def _queue(name: str, parent: LocationName) -> QueueName:
    queue = QUEUE.parse(name)
    if queue is None or queue.parent != parent:
        raise InvalidArgument(f"queues must have the full names of queues of {parent}, but has {name[:200]!r}.")
    return queue


def _span(parts: Parts, request: Any) -> tuple[int, int, int]:
    """From when to when, in seconds since 1970, and the seconds of a step."""
    now = parts.engine.clock.now()
    end = read_moment(request.end_time, "end_time") if request.HasField("end_time") else now
    begin = read_moment(request.start_time, "start_time") if request.HasField("start_time") else end - HOUR
    if begin >= end:
        raise InvalidArgument("start_time must be before end_time.")
    begin = max(begin, now - DAY)  # nothing older is kept
    if request.HasField("step"):
        step = read_duration(request.step)
        if step.nanos or step.seconds < FINE or step.seconds % FINE:
            raise InvalidArgument(f"step must be a multiple of {FINE}s, but is {_text(step)}.")
        seconds = step.seconds
    else:
        seconds = FINE if begin >= now - HOUR else COARSE
    return int(begin.timestamp()), max(int(begin.timestamp()), int(end.timestamp())), seconds


def _text(step: Duration) -> str:
    return f"{step.total_nanos / 1e9:g}s"
