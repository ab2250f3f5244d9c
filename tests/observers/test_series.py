"""Charts: what is kept of each queue, for how long, and in how little memory."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.worlds import START, HandClock

from tidegate.core.names import QueueName
from tidegate.core.stats import QueueStats
from tidegate.observers.metrics.counts import SECONDS, Counts, QueueCounts
from tidegate.observers.series import Metric, Series
from tidegate.observers.series import series as series_module
from tidegate.observers.series.line import CHUNK, CHUNK_OVERHEAD, VALUE_MAX, Line, pack, unpack
from tidegate.observers.series.metric import WIDTH, quantile_of

FINE = timedelta(seconds=10)
MAIL, AUDIT = (QueueName.of("p", "l", each) for each in ("mail", "audit"))
BEGIN = int(START.timestamp())


class Charts:
    """Series of queues whose counts the test makes up, sampled every ten seconds."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.counts = Counts()
        self.depths: dict[QueueName, int] = {}
        self.series = Series(self.counts, self.stats, self.clock, self.clock)

    async def stats(self, names: Sequence[QueueName]) -> Mapping[QueueName, QueueStats]:
        return {name: QueueStats(self.depths[name], None, 0, 1, 1.0) for name in names if name in self.depths}

    def count(self, queue: QueueName, created: int = 0, succeeded: int = 0, failed: int = 0, took: float = 0.1) -> None:
        counts = self.counts.queues.setdefault(queue, QueueCounts())
        counts.created += created
        counts.ended["OK"] += succeeded
        counts.ended["INTERNAL"] += failed
        for _ in range(succeeded + failed):
            counts.durations.add(took)

    async def pass_time(self, steps: int = 1) -> None:
        for _ in range(steps):
            self.clock.advance(FINE)
            await self.series.sample()

    def values(self, queue: QueueName, metric: Metric, seconds: int = 3600, step: int = 10) -> list[float]:
        end = int(self.clock.now().timestamp())
        points = self.series.read(queue, metric, end - seconds, end, step)
        return [] if points is None else [value for _, value in points.points]


async def test_a_queue_has_what_happened_in_each_step_and_what_was_there_at_its_end() -> None:
    charts = Charts()
    charts.depths[MAIL] = 7
    charts.count(MAIL, created=5, succeeded=2, failed=1)
    await charts.pass_time()
    charts.depths[MAIL] = 4
    charts.count(MAIL, succeeded=3)
    await charts.pass_time()
    await charts.pass_time()
    assert charts.values(MAIL, Metric.CREATED) == [5, 0, 0]
    assert charts.values(MAIL, Metric.SUCCEEDED) == [2, 3, 0]
    assert charts.values(MAIL, Metric.FAILED) == [1, 0, 0]
    assert charts.values(MAIL, Metric.DEPTH) == [7, 4, 4]
    assert charts.values(MAIL, Metric.IN_FLIGHT) == [1, 1, 1]


async def test_a_point_stands_at_the_end_of_its_step() -> None:
    charts = Charts()
    charts.count(MAIL, created=1)
    await charts.pass_time()
    points = charts.series.read(MAIL, Metric.CREATED, BEGIN, BEGIN + 10, 10)
    assert points is not None
    assert points.points == [(START + FINE, 1.0)]


async def test_steps_are_added_up_into_longer_ones_but_depth_is_the_last() -> None:
    charts = Charts()
    for number in range(12):
        charts.depths[MAIL] = number
        charts.count(MAIL, created=number, succeeded=1)
        await charts.pass_time()
    assert charts.values(MAIL, Metric.CREATED, step=60) == [15, 51]
    assert charts.values(MAIL, Metric.CREATED, step=120) == [66]
    assert charts.values(MAIL, Metric.DEPTH, step=60) == [5, 11]


async def test_response_times_are_quantiles_and_a_step_without_attempts_has_none() -> None:
    charts = Charts()
    charts.count(MAIL, succeeded=98, took=0.02)
    charts.count(MAIL, failed=2, took=4)
    await charts.pass_time()
    await charts.pass_time()
    (median,) = charts.values(MAIL, Metric.RESPONSE_TIME_P50)
    (late,) = charts.values(MAIL, Metric.RESPONSE_TIME_P99)
    assert 0.01 < median <= 0.025
    assert 2.5 < late <= 5


async def test_an_hour_is_kept_in_steps_of_ten_seconds_and_a_day_in_minutes() -> None:
    charts = Charts()
    for _ in range(26 * 60):
        charts.count(MAIL, created=1)
        await charts.pass_time(6)
    day = charts.values(MAIL, Metric.CREATED, seconds=24 * 3600, step=60)
    assert (len(day), set(day)) == (1440, {1.0})
    hour = charts.values(MAIL, Metric.CREATED)
    assert (len(hour), sum(hour)) == (360, 60)
    older = charts.values(MAIL, Metric.CREATED, seconds=3 * 3600)  # 10 s are not kept for so long
    assert len(older) < 360 + 2 * CHUNK
    assert charts.values(MAIL, Metric.CREATED, seconds=24 * 3600, step=3600)[5] == 60


async def test_queues_are_found_by_their_location_and_others_have_nothing() -> None:
    charts = Charts()
    elsewhere = QueueName.of("p", "l2", "q")
    for name in (MAIL, AUDIT, elsewhere):
        charts.count(name, created=1)
    await charts.pass_time()
    assert charts.series.queues("projects/p/locations/l") == [AUDIT, MAIL]
    assert charts.series.read(QueueName.of("p", "l", "none"), Metric.CREATED, BEGIN, BEGIN + 10, 10) is None


async def test_a_queue_that_was_deleted_is_forgotten_and_its_successor_begins_at_nothing() -> None:
    charts = Charts()
    charts.count(MAIL, created=50)
    await charts.pass_time(2)
    del charts.counts.queues[MAIL]
    await charts.pass_time()
    assert charts.values(MAIL, Metric.CREATED) == []
    charts.count(MAIL, created=3)
    await charts.pass_time()
    assert charts.values(MAIL, Metric.CREATED) == [3]


async def test_a_queue_made_anew_between_two_samples_is_not_mistaken_for_the_old_one() -> None:
    charts = Charts()
    charts.count(MAIL, created=50)
    await charts.pass_time()
    del charts.counts.queues[MAIL]
    charts.count(MAIL, created=3)
    await charts.pass_time()
    assert charts.values(MAIL, Metric.CREATED) == [3]


async def test_a_quiet_queue_that_somebody_looks_at_is_sampled_from_then_on() -> None:
    charts = Charts()
    charts.depths[MAIL] = 1000
    await charts.pass_time()
    assert charts.values(MAIL, Metric.DEPTH) == []
    await charts.series.track(MAIL)
    await charts.series.track(QueueName.of("p", "l", "not-there"))
    await charts.pass_time()
    assert charts.values(MAIL, Metric.DEPTH) == [1000]
    assert charts.series.queues(MAIL.parent) == [MAIL]


async def test_a_queue_without_activity_for_a_day_is_forgotten() -> None:
    charts = Charts()
    charts.count(MAIL, created=1)
    await charts.pass_time(24 * 360)
    assert charts.series.queues(MAIL.parent) == [MAIL]
    await charts.pass_time(3)
    assert charts.series.queues(MAIL.parent) == []


async def test_beyond_the_most_queues_others_have_a_spark_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series_module, "QUEUES_MAX", 1)
    monkeypatch.setattr(series_module, "SPARKS_MAX", 1)
    charts = Charts()
    third = QueueName.of("p", "l", "third")
    for _ in range(90):
        for name in (MAIL, AUDIT, third):
            charts.count(name, created=2, succeeded=1)
        await charts.pass_time(6)
    assert charts.values(AUDIT, Metric.CREATED, step=60) == []
    sparks = charts.values(AUDIT, Metric.SUCCEEDED, seconds=7200, step=60)
    assert (len(sparks), set(sparks)) == (60, {1.0})
    assert charts.values(AUDIT, Metric.SUCCEEDED) == []  # it has no steps of ten seconds
    assert charts.values(third, Metric.SUCCEEDED, step=60) == []


async def test_a_queue_quiet_for_an_hour_gives_way_to_an_active_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series_module, "QUEUES_MAX", 1)
    charts = Charts()
    charts.count(MAIL, created=1)
    await charts.pass_time()
    charts.count(AUDIT, created=1)
    await charts.pass_time(360)
    assert charts.values(AUDIT, Metric.CREATED) == []
    charts.count(AUDIT, created=1)
    await charts.pass_time()
    charts.count(AUDIT, created=4)
    await charts.pass_time()
    assert charts.values(AUDIT, Metric.CREATED) == [0, 4]
    assert charts.values(MAIL, Metric.CREATED) == []


async def test_a_clock_that_leaps_leaves_a_gap_and_one_that_is_set_back_begins_anew() -> None:
    charts = Charts()
    charts.count(MAIL, created=1)
    await charts.pass_time(3)
    charts.clock.advance(timedelta(hours=2))
    await charts.series.sample()
    charts.count(MAIL, created=2)
    await charts.pass_time()
    assert charts.values(MAIL, Metric.CREATED, seconds=600) == [0, 2]
    assert charts.values(MAIL, Metric.CREATED, seconds=3 * 3600, step=60)[0] == 1
    charts.clock.advance(timedelta(hours=-1))
    await charts.series.sample()
    for _ in range(2):
        charts.count(MAIL, created=4)
        await charts.pass_time()
    assert charts.values(MAIL, Metric.CREATED, seconds=600)[-1] == 4


@given(st.lists(st.lists(st.integers(0, VALUE_MAX), min_size=WIDTH, max_size=WIDTH), min_size=1, max_size=CHUNK))
def test_packed_rows_read_back_as_they_were(rows: list[list[int]]) -> None:
    packed = pack(array("I", [value for row in rows for value in row]))
    assert [unpack(packed, column, len(rows)) for column in range(WIDTH)] == [
        list(each) for each in zip(*rows, strict=True)
    ]


def test_a_value_beyond_what_a_row_holds_is_cut() -> None:
    line = Line(CHUNK)
    line.add(0, [2**40, *[0] * (WIDTH - 1)])
    assert list(line.read([0], 0, 1)) == [(0, (VALUE_MAX,))]


def test_quantiles_lie_in_their_buckets() -> None:
    counts = [0] * (len(SECONDS) + 1)
    assert quantile_of(counts, 0.5) is None
    counts[-1] = 1
    assert quantile_of(counts, 0.5) == SECONDS[-1]
    counts[0] = 99
    assert quantile_of(counts, 0.5) == pytest.approx(SECONDS[0] * 50 / 99)


def test_an_hour_and_a_day_of_a_busy_queue_take_less_than_forty_kilobytes() -> None:
    dice = Random(1)
    fine, coarse = Line(360), Line(1440)
    for line in (fine, coarse):
        for slot in range(2000):
            line.add(
                slot,
                [dice.randrange(2000) for _ in range(5)] + [dice.randrange(500) for _ in range(5)] + [0] * (WIDTH - 10),
            )
    size = sum(len(chunk.packed) for line in (fine, coarse) for chunk in line._chunks)
    assert size < 40_000


def test_a_line_says_what_its_rows_take_and_gets_shorter_from_its_oldest_end() -> None:
    line = Line(4 * CHUNK)
    for slot in range(4 * CHUNK + 10):
        line.add(slot, [300] * WIDTH)
    chunk = WIDTH + 2 * WIDTH * CHUNK + CHUNK_OVERHEAD
    assert line.size == 4 * chunk + 2 * WIDTH * 10
    line.shorten(3 * chunk)
    assert [slot for slot, _ in line.read([0], 0, 1000)] == list(range(2 * CHUNK, 4 * CHUNK + 10))
    line.shorten(0)
    assert [slot for slot, _ in line.read([0], 0, 1000)] == list(range(4 * CHUNK, 4 * CHUNK + 10))


async def test_where_queues_are_too_busy_for_the_room_their_minutes_reach_back_less_far(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(series_module, "ROOM", 18_000)
    charts = Charts()
    for _ in range(300):
        for name in (MAIL, AUDIT):
            charts.count(name, created=300, succeeded=1)
        await charts.pass_time(6)
    rows = [each for tracked in charts.series._tracked.values() for each in (tracked.fine, tracked.coarse)]
    assert sum(line.size for line in rows) <= 18_000
    assert len(charts.values(MAIL, Metric.CREATED)) == 360  # the hour is whole
    assert 60 <= len(charts.values(MAIL, Metric.CREATED, seconds=86_400, step=60)) < 300
    assert set(charts.values(MAIL, Metric.CREATED, seconds=86_400, step=60)) == {300.0}
