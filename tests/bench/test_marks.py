"""Marks: which bounds they are, and when they hold."""

import pytest
from bench.marks import MARKS, Mark, at_most, rate
from bench.rows import Row

from bench import suite


def row(figure: float, ratio: float | None = None, errors: int = 0) -> Row:
    return Row("create", figure, "calls/s", ratio=ratio, errors=errors)


def test_a_rate_is_held_to_its_floor() -> None:
    mark = rate(28_000, 50_000)
    assert str(mark) == ">= 0.56"
    assert mark.holds(row(5_600, ratio=0.56))
    assert not mark.holds(row(90_000, ratio=0.55))


def test_a_rate_without_a_floor_holds_no_mark() -> None:
    assert not rate(28_000, 50_000).holds(row(90_000))


@pytest.mark.parametrize(("figure", "holds"), [(9_499, False), (9_500, True), (10_500, True), (10_501, False)])
def test_bounds_are_within_the_mark(figure: float, *, holds: bool) -> None:
    mark = Mark(9_500, 10_500)
    assert str(mark) == "9,500 .. 10,500"
    assert mark.holds(row(figure)) is holds


def test_a_figure_with_errors_holds_no_mark() -> None:
    assert at_most(200).holds(row(100))
    assert not at_most(200).holds(row(100, errors=1))


def test_each_mark_is_a_benchmarks() -> None:
    assert {what.split()[0] for what in MARKS} <= set(suite.NAMES)
