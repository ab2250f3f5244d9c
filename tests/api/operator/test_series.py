"""Numbers over time, as charts ask for them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.api.operator.place import PARENT, PULL, QUEUE, Place

from tidegate.core.errors import InvalidArgument
from tidegate.schema.operator import Metric

TEN = timedelta(seconds=10)


@pytest.fixture
async def at() -> Place:
    place = Place()
    await place.make()
    await place.make(PULL)
    return place


async def pass_time(at: Place, steps: int = 1) -> None:
    for _ in range(steps):
        at.clock.advance(TEN)
        await at.series.sample()


async def test_a_metric_of_all_active_queues_has_a_point_for_each_step(at: Place) -> None:
    await at.put("a", "b")
    await pass_time(at)
    await at.put("c")
    await pass_time(at, 2)
    answer = await at.call("query_time_series", parent=PARENT, metric=Metric.CREATED)
    assert answer.step.ToTimedelta() == TEN
    (series,) = answer.series
    assert (series.queue, [point.value for point in series.points]) == (QUEUE, [2, 1, 0])
    assert series.points[0].time.ToDatetime().isoformat() == "2026-03-01T12:00:10"


async def test_depth_comes_from_the_store(at: Place) -> None:
    await at.put("a", "b")
    await pass_time(at)
    answer = await at.call("query_time_series", parent=PARENT, queues=[QUEUE], metric=Metric.DEPTH)
    assert [point.value for point in answer.series[0].points] == [2]


async def test_a_named_queue_without_activity_is_sampled_once_it_was_asked_for(at: Place) -> None:
    ask = {"parent": PARENT, "queues": [PULL], "metric": Metric.DEPTH}
    assert not (await at.call("query_time_series", **ask)).series[0].points
    await pass_time(at, 2)
    assert len((await at.call("query_time_series", **ask)).series[0].points) == 2


async def test_a_long_time_is_answered_in_minutes(at: Place) -> None:
    await at.put("a")
    await pass_time(at, 60)
    answer = await at.call(
        "query_time_series", parent=PARENT, metric=Metric.CREATED, start_time=at.now() - timedelta(hours=5)
    )
    assert answer.step.ToTimedelta() == timedelta(minutes=1)
    assert sum(point.value for point in answer.series[0].points) == 1
    longer = await at.call("query_time_series", parent=PARENT, metric=Metric.CREATED, step=timedelta(minutes=5))
    assert len(longer.series[0].points) == 2


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "metric must be one of CREATED"),
        ({"metric": 99}, "metric must be one of CREATED"),
        ({"metric": 1, "queues": ["projects/p/locations/other/queues/q"]}, "queues must have"),
        ({"metric": 1, "queues": ["q"]}, "queues must have"),
        ({"metric": 1, "step": timedelta(seconds=15)}, "step must be a multiple of 10s, but is 15s"),
        ({"metric": 1, "step": timedelta(seconds=-10)}, "step must be"),
        ({"metric": 1, "step": timedelta()}, "step must be"),
    ],
)
async def test_what_cannot_be_answered_is_refused(at: Place, fields: Any, text: str) -> None:
    with pytest.raises(InvalidArgument, match=text):
        await at.call("query_time_series", parent=PARENT, **fields)


async def test_a_time_that_ends_before_it_begins_is_refused(at: Place) -> None:
    with pytest.raises(InvalidArgument, match="start_time must be before end_time"):
        await at.call("query_time_series", parent=PARENT, metric=1, start_time=at.now(), end_time=at.now() - TEN)


async def test_too_many_points_are_refused_before_they_are_made(at: Place) -> None:
    queues = [f"{PARENT}/queues/q{number}" for number in range(1000)]
    with pytest.raises(InvalidArgument, match="360000 points"):
        await at.call("query_time_series", parent=PARENT, metric=1, queues=queues)
