"""The real dice: what names of tasks are made of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tidegate.ids import RANDOM_BITS, RandomIds

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def test_ids_grow_within_a_millisecond_and_from_one_to_the_next() -> None:
    ids = RandomIds()
    given = [*ids.task_ids(NOON, 3000), *ids.task_ids(NOON, 1), *ids.task_ids(NOON + timedelta(milliseconds=1), 2)]
    assert len(given) == 3003
    assert given == sorted(set(given))
    assert {len(each) for each in given} == {19}


def test_ids_tell_when_they_were_made_and_do_not_go_back_with_the_clock() -> None:
    ids = RandomIds()
    (first,) = ids.task_ids(NOON, 1)
    assert int(first) >> RANDOM_BITS == NOON.timestamp() * 1000
    (earlier,) = ids.task_ids(NOON - timedelta(hours=1), 1)
    assert earlier > first


def test_no_ids_are_none() -> None:
    assert RandomIds().task_ids(NOON, 0) == []
