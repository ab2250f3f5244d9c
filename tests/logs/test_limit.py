"""Lines that repeat themselves are left out, and counted."""

from __future__ import annotations

import gc
import logging
import weakref
from collections.abc import Iterator
from io import StringIO

import pytest

from tidegate.logs.limit import ALIKE_MAX, EVERY, KNOWN_MAX, SAME_MAX, LimitedHandler


class Log:
    """A log with a clock of its own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.stream = StringIO()
        self.handler = LimitedHandler(self.stream, lambda: self.now)
        self.logger = logging.Logger("tidegate.part")
        self.logger.addHandler(self.handler)

    @property
    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()


@pytest.fixture
def log() -> Iterator[Log]:
    log = Log()
    yield log
    log.handler.close()


def test_the_same_line_is_written_a_few_times_a_minute_and_then_counted(log: Log) -> None:
    for _ in range(1000):
        log.logger.warning("the disk is slow")
    assert log.lines == ["the disk is slow"] * SAME_MAX
    log.now = EVERY
    log.logger.warning("something else")
    assert log.lines[SAME_MAX:] == [f"the disk is slow (left out {1000 - SAME_MAX} lines like this)", "something else"]
    log.logger.warning("the disk is slow")
    assert log.lines[-1] == "the disk is slow"


def test_lines_that_say_the_same_of_different_things_are_bounded_together(log: Log) -> None:
    for number in range(10 * ALIKE_MAX):
        log.logger.warning("cannot read %d", number)
    assert len(log.lines) == ALIKE_MAX
    assert log.lines[-1] == f"cannot read {ALIKE_MAX - 1}"


def test_other_lines_are_not_held_up(log: Log) -> None:
    for _ in range(100):
        log.logger.warning("the disk is slow")
    log.logger.error("the disk is slow")  # it is worse now
    log.logger.warning("the disk is full")
    assert log.lines[SAME_MAX:] == ["the disk is slow", "the disk is full"]


def test_what_was_left_out_is_said_at_the_end(log: Log) -> None:
    for _ in range(SAME_MAX + 2):
        log.logger.warning("the disk is slow")
    log.handler.close()
    assert log.lines[-1] == "the disk is slow (left out 2 lines like this)"


def test_lines_that_all_differ_take_no_more_memory(log: Log) -> None:
    for number in range(3 * KNOWN_MAX):
        log.logger.warning(f"line {number}")
    assert len(log.handler._seen) <= KNOWN_MAX
    assert len(log.lines) == 3 * KNOWN_MAX


def test_attempts_are_bounded_where_they_are_warned_of(log: Log) -> None:
    attempts = logging.Logger("tidegate.attempts")
    attempts.addHandler(log.handler)
    for number in range(3 * ALIKE_MAX):
        attempts.warning("an attempt to %d failed", number)
    assert len(log.lines) == 3 * ALIKE_MAX


def test_an_exception_is_not_kept_for_the_count(log: Log) -> None:
    class Large:
        """What a frame may hold."""

    def fails() -> weakref.ref[Large]:
        large = Large()
        try:
            raise ValueError("a bug")
        except ValueError:
            log.logger.exception("it failed")
        return weakref.ref(large)

    large = fails()
    gc.collect()
    assert large() is None
