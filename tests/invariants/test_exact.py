"""An exact history shows more: late attempts, waits of the wrong length, queues that are slowed for nothing."""

from __future__ import annotations

import pytest
from tests.invariants.checker import check, violations
from tests.invariants.history import (
    Answered,
    Called,
    Crashed,
    Entry,
    History,
    Limits,
    Replied,
    Requested,
    Settled,
    Started,
)

LIMITS = Limits(rate=1.0, burst=2, concurrency=2, min_backoff=1.0, max_backoff=10.0, max_doublings=2)


class Day:
    """Writes an exact history of a queue that was made at 0 s and of its task ``q/a``, created at 100 s."""

    def __init__(self, *, due: float = 100.0, throttling: bool = True) -> None:
        self.history = History(exact=True, throttling=throttling)
        self.add(Started(0.0), Called(0.0, 0, "c", "create_queue", "q", limits=LIMITS))
        self.add(Answered(0.0, 0, "OK", limits=LIMITS), Called(100.0, 1, "c", "create_task", "q", due=due))
        self.add(Answered(100.0, 1, "OK", ("q/a",)))

    def add(self, *entries: Entry) -> Day:
        self.history.entries.extend(entries)
        return self

    def attempt(
        self, at: float, number: int, due: float, status: int = 200, *, factor: float = 1.0, retry_after: float = 0.0
    ) -> Day:
        """An attempt that is answered at once."""
        self.add(Requested(at, number, "q", "q/a", number, at, at, due, factor))
        return self.add(Replied(at, number, status, retry_after))

    @property
    def found(self) -> list[str]:
        self.add(Settled(10_000.0, {"q": frozenset()}))
        return [violation.promise for violation in violations(self.history)]


def test_a_task_that_starts_when_it_is_due_breaks_nothing() -> None:
    assert Day().attempt(100.0, 1, 100.0).found == []
    day = Day(due=103.0).attempt(103.0, 1, 103.0)
    assert day.found == []
    check(day.history)


def test_a_task_that_nothing_held_back_is_late_by_any_time() -> None:
    assert Day().attempt(100.001, 1, 100.0).found == ["late"]


def test_a_start_of_the_server_holds_tasks_back_for_no_longer_than_a_token_takes() -> None:
    crash = (Crashed(100.0), Started(110.0))
    assert Day().add(*crash).attempt(111.0, 1, 100.0).found == []
    assert Day().add(*crash).attempt(111.1, 1, 100.0).found == ["late"]


def test_a_task_is_told_its_own_time() -> None:
    assert Day(due=100.0).attempt(100.0, 1, 99.0).found == ["due"]


def test_a_request_before_the_time_that_it_names_is_early() -> None:
    assert Day(due=103.0).attempt(102.9, 1, 103.0).found == ["early", "early"]


@pytest.mark.parametrize(("due", "found"), [(101.0, []), (101.000001, ["backoff"]), (100.9, ["backoff", "backoff"])])
def test_a_retry_waits_exactly_its_backoff(due: float, found: list[str]) -> None:
    assert Day().attempt(100.0, 1, 100.0, 404).attempt(due, 2, due).found == found


def test_a_retry_waits_as_long_as_a_503_asks() -> None:
    asked = Day().attempt(100.0, 1, 100.0, 503, retry_after=7.0)
    assert asked.attempt(107.0, 2, 107.0, factor=0.5).found == []
    asked = Day().attempt(100.0, 1, 100.0, 404, retry_after=7.0)
    assert asked.attempt(107.0, 2, 107.0).found == ["backoff"]


def test_a_claim_that_a_crash_lost_is_due_at_once() -> None:
    day = Day().attempt(100.0, 1, 100.0, 404).add(Crashed(101.5), Started(101.6))
    assert day.attempt(101.6, 3, 101.6).found == []


def test_without_a_crash_no_number_is_left_out() -> None:
    assert Day().attempt(100.0, 2, 100.0).found == ["number"]


def test_a_queue_is_slowed_after_a_503_and_only_then() -> None:
    assert "not slowed" in Day().attempt(100.0, 1, 100.0, 503).attempt(101.0, 2, 101.0).found
    assert "slowed" in Day().attempt(100.0, 1, 100.0, factor=0.5).found
    slowed = Day(throttling=False).attempt(100.0, 1, 100.0, 503).attempt(101.0, 2, 101.0, factor=0.5)
    assert "slowed" in slowed.found
