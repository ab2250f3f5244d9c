"""When a node is dead for another one."""

from __future__ import annotations

import pytest

from tidegate.engine.death_watch import DEAD_AFTER, LONGEST_GAP, LOOK_EVERY, QUIET_AFTER, DeathWatch
from tidegate.engine.ports.membership import Member


def looks(watch: DeathWatch, beats: dict[float, int], *, fenced: bool = False) -> None:
    """Look at these times, and see node 2 with so many beats."""
    for at, count in beats.items():
        watch.saw([Member(1, int(at * 10)), Member(2, count, fenced)], at, at)


def still(until: float, *, since: float = 0.0) -> dict[float, int]:
    """Looks that all see the same beat."""
    return {since + number * LOOK_EVERY: 5 for number in range(int((until - since) / LOOK_EVERY) + 1)}


def test_a_node_is_dead_when_its_beat_stood_still_for_ten_seconds() -> None:
    watch = DeathWatch()
    looks(watch, still(8))
    assert watch.dead() == []
    looks(watch, {DEAD_AFTER: 5})
    assert watch.dead() == [Member(2, 5)]


def test_who_watches_knows_when_to_look_again() -> None:
    watch = DeathWatch()
    looks(watch, {0.3: 5, 2.0: 5, 4.0: 5, 6.0: 5, 8.0: 5})
    assert 0.3 + DEAD_AFTER < 8.0 + watch.next_death(8.0) < 0.3 + DEAD_AFTER + 0.1
    at = 8.0 + watch.next_death(8.0)
    looks(watch, {at: 5})
    assert watch.dead() == [Member(2, 5)]
    assert watch.next_death(at) > LOOK_EVERY  # who is dead is looked at no more often


def test_a_node_that_beats_lives() -> None:
    watch = DeathWatch()
    looks(watch, {at: int(at) for at in still(60)})
    assert watch.dead() == []
    assert sorted(watch.heard()) == [1, 2]


def test_a_node_without_a_beat_sees_to_nothing_first_long_before_it_is_dead() -> None:
    watch = DeathWatch()
    looks(watch, still(4))
    assert sorted(watch.heard()) == [1, 2]
    looks(watch, {6: 5})
    assert QUIET_AFTER < 6
    assert watch.heard() == [1]


def test_time_in_which_the_store_was_away_proves_nothing() -> None:
    watch = DeathWatch()
    looks(watch, still(8))
    watch.failed()
    looks(watch, still(18, since=9))
    assert watch.dead() == []
    looks(watch, {19: 5})
    assert watch.dead() == [Member(2, 5)]


@pytest.mark.parametrize("gap", [LONGEST_GAP + 0.1, 3600.0])
def test_who_stood_still_himself_begins_to_watch_anew(gap: float) -> None:
    watch = DeathWatch()
    looks(watch, still(8))
    looks(watch, {8 + gap: 5})
    assert watch.dead() == []
    assert sorted(watch.heard()) == [1, 2]


def test_an_answer_that_took_long_counts_from_when_it_came() -> None:
    watch = DeathWatch()
    watch.saw([Member(2, 5)], 0.0, 3.0)
    for at in (4.0, 6.0, 8.0, 10.0, 12.0):
        watch.saw([Member(2, 5)], at, at)
    assert watch.dead() == []
    watch.saw([Member(2, 5)], 13.0, 13.0)
    assert watch.dead() == [Member(2, 5)]


def test_a_fenced_node_whose_attempts_nobody_releases_is_dead_in_its_turn() -> None:
    watch = DeathWatch()
    looks(watch, still(8))
    looks(watch, still(18, since=9), fenced=True)
    assert watch.dead() == []
    assert watch.heard() == [1]
    looks(watch, {19: 5}, fenced=True)
    assert watch.dead() == [Member(2, 5, fenced=True)]
