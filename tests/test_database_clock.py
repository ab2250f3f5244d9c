"""A database's time, estimated from below."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.worlds import HandClock

from tidegate.core.times import micros
from tidegate.database_clock import DatabaseClock

SECOND = 1_000_000
AHEAD = 1000 * SECOND


def passed(machine: HandClock, seconds: float) -> None:
    machine.advance(timedelta(seconds=seconds))


def test_it_shows_what_the_last_answer_said_and_the_time_since() -> None:
    machine = HandClock()
    clock = DatabaseClock(machine)
    clock.sampled(AHEAD + micros(machine.now()))
    passed(machine, 2.5)
    assert clock.micros() == AHEAD + micros(machine.now())


def test_an_answer_that_was_long_on_its_way_does_not_hold_it_back() -> None:
    machine = HandClock()
    clock = DatabaseClock(machine)
    clock.sampled(AHEAD + micros(machine.now()))
    said = AHEAD + micros(machine.now())
    passed(machine, 4)
    clock.sampled(said)
    assert clock.micros() == said + 4 * SECOND


def test_it_follows_a_database_that_runs_slower_and_never_steps_back() -> None:
    machine = HandClock()
    clock = DatabaseClock(machine)
    began = micros(machine.now())
    shown = 0
    for number in range(200):
        passed(machine, 1)
        theirs = began + round((number + 1) * 0.99 * SECOND)
        clock.sampled(theirs)
        now = clock.micros()
        assert now >= shown
        assert now - theirs <= 0.01 * 11 * SECOND
        shown = now


@pytest.mark.parametrize(("off", "said"), [(300, "300 s behind"), (-300, "300 s ahead of"), (30, "")])
def test_a_machine_whose_clock_is_minutes_off_is_told_once(
    off: int, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    machine = HandClock()
    clock = DatabaseClock(machine)
    for _ in range(3):
        clock.sampled(micros(machine.now()) + off * SECOND)
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == bool(said)
    assert all(said in line for line in told)


def test_a_database_whose_clock_was_set_back_by_an_hour_is_followed_at_once() -> None:
    machine = HandClock()
    clock = DatabaseClock(machine)
    clock.sampled(AHEAD + micros(machine.now()))
    clock.micros()
    then = AHEAD + micros(machine.now()) - 3600 * SECOND
    clock.sampled(then)
    assert clock.micros() == then


def test_a_small_step_back_is_waited_out() -> None:
    machine = HandClock()
    clock = DatabaseClock(machine)
    clock.sampled(AHEAD + micros(machine.now()))
    shown = clock.micros()
    for _ in range(100):
        clock.sampled(AHEAD + micros(machine.now()) - 5 * SECOND)
        assert clock.micros() >= shown
        shown = clock.micros()
        passed(machine, 1)
    assert clock.micros() == AHEAD + micros(machine.now()) - 5 * SECOND


@given(st.lists(st.tuples(st.floats(0, 20), st.floats(0, 5)), max_size=60))
def test_it_is_never_ahead_of_the_database(answers: list[tuple[float, float]]) -> None:
    machine = HandClock()
    clock = DatabaseClock(machine)
    clock.sampled(AHEAD + micros(machine.now()))
    for pause, on_its_way in answers:
        passed(machine, pause)
        said = AHEAD + micros(machine.now())
        passed(machine, on_its_way)
        clock.sampled(said)
        assert clock.micros() <= AHEAD + micros(machine.now())
