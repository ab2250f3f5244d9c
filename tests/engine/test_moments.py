"""When queues are looked at."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.engine.worlds import SECOND, START

from tidegate.core.names import QueueName
from tidegate.engine.moments import SPARE_MOMENTS, Moments

A, B = QueueName.of("p", "l", "a"), QueueName.of("p", "l", "b")


def test_of_the_moments_of_a_queue_the_earliest_counts() -> None:
    moments = Moments()
    assert moments.add(A, START + 2 * SECOND)
    assert moments.add(A, START + SECOND)
    assert not moments.add(A, START + 3 * SECOND)
    assert (moments.get(A), moments.first()) == (START + SECOND, START + SECOND)
    assert moments.take(START, 10) == []
    assert moments.take(START + SECOND, 10) == [A]
    assert (moments.get(A), moments.first()) == (None, None)


def test_queues_of_one_moment_come_as_they_were_named() -> None:
    moments = Moments()
    assert moments.add(B, START)
    moments.add(A, START)
    assert moments.take(START, 1) == [B]
    assert moments.take(START, 1) == [A]


@given(st.lists(st.tuples(st.sampled_from([A, B]), st.integers(0, 50)), max_size=40))
def test_a_queue_is_taken_once_at_its_earliest_moment(named: list[tuple[QueueName, int]]) -> None:
    moments = Moments()
    for queue, second in named:
        moments.add(queue, START + second * SECOND)
    taken: dict[QueueName, datetime] = {}
    for second in range(51):
        for queue in moments.take(START + second * SECOND, 10):
            assert queue not in taken
            taken[queue] = START + second * SECOND
    assert taken == {
        queue: START + min(second for each, second in named if each == queue) * SECOND for queue, _ in named
    }


def test_overtaken_moments_do_not_pile_up() -> None:
    moments = Moments()
    for number in range(10 * SPARE_MOMENTS):
        moments.add(A, START - timedelta(microseconds=number))
    assert len(moments._heap) <= SPARE_MOMENTS + 3
