"""The checker finds what it is there for: with a bug planted in the engine, some run breaks a promise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from tests.invariants.checker import first_broken
from tests.invariants.history import History
from tests.simulation.day import Day

from tidegate.core import lifecycle
from tidegate.core.backoff import RetryLimit, retry_wait
from tidegate.core.bucket import Flow, TokenBucket
from tidegate.core.lifecycle import Outcome
from tidegate.core.queue import Kind, Queue
from tidegate.core.throttle import Throttle
from tidegate.engine.scheduler import Scheduler
from tidegate.storage.transaction import StoreTransaction

SEEDS = 80
Plant = pytest.MonkeyPatch


def tokens_for_nothing(plant: Plant) -> None:
    take = TokenBucket.take

    def generous(self: TokenBucket, wanted: int, limits: Any, now: Any) -> tuple[int, TokenBucket]:
        granted, bucket = take(self, wanted, limits, now)
        return min(wanted, granted + 2), bucket

    plant.setattr(TokenBucket, "take", generous)


def tokens_earned_twice(plant: Plant) -> None:
    def filled(self: TokenBucket, limits: Any, now: Any) -> TokenBucket:
        earned = 1.5 * (now - self.filled_at).total_seconds() * limits.max_dispatches_per_second
        return TokenBucket(min(self.tokens + earned, float(limits.max_burst_size)), now)

    plant.setattr(TokenBucket, "filled", filled)


def a_full_bucket_after_each_change(plant: Plant) -> None:
    plant.setattr(Flow, "filled", lambda self, limits, now: Flow.fresh(limits, now))


def one_too_many_at_once(plant: Plant) -> None:
    grant = Flow.grant

    def generous(self: Flow, wanted: int, limits: Any, now: Any) -> tuple[int, Flow]:
        more = replace(limits, max_concurrent_dispatches=limits.max_concurrent_dispatches + 1)
        return grant(self, wanted, more, now)

    plant.setattr(Flow, "grant", generous)


def pauses_overlooked(plant: Plant) -> None:
    plant.setattr(Queue, "dispatches", property(lambda self: self.kind is Kind.PUSH))


def a_second_early(plant: Plant) -> None:
    due = StoreTransaction.due_tasks
    later = timedelta(seconds=1)
    plant.setattr(StoreTransaction, "due_tasks", lambda self, asked, now: due(self, asked, now + later))


def waits(plant: Plant, change: Callable[[timedelta], timedelta]) -> None:
    plant.setattr(lifecycle, "retry_wait", lambda failures, retry, asked: change(retry_wait(failures, retry, asked)))


def retry_after_overlooked(plant: Plant) -> None:
    plant.setattr(lifecycle, "retry_wait", lambda failures, retry, asked: retry_wait(failures, retry, None))


def never_slowed(plant: Plant) -> None:
    plant.setattr(Throttle, "after", lambda self, ended, now: self)


def slowed_by_a_404(plant: Plant) -> None:
    after = Throttle.after

    def touchy(self: Throttle, ended: Any, now: Any) -> Throttle:
        told = [(target, Outcome(503) if outcome.http_status == 404 else outcome) for target, outcome in ended]
        return after(self, told, now)

    plant.setattr(Throttle, "after", touchy)


def slowed_to_a_standstill(plant: Plant) -> None:
    limits = Throttle.limits

    def strict(self: Throttle, limited: Any, now: Any) -> Any:
        slower = limits(self, limited, now)
        return slower if slower == limited else replace(slower, max_dispatches_per_second=0.01)

    plant.setattr(Throttle, "limits", strict)


def nobody_woken_when_there_is_room(plant: Plant) -> None:
    plant.setattr(Scheduler, "ended", lambda self, queue: None)


def a_tenth_of_a_second_late(plant: Plant) -> None:
    wake = Scheduler.wake
    late = timedelta(seconds=0.1)
    plant.setattr(Scheduler, "wake", lambda self, queue, at: wake(self, queue, at + late))


def delivered_tasks_kept(plant: Plant) -> None:
    ended = StoreTransaction.ended

    def keep(self: StoreTransaction, attempts: Any) -> Any:
        ended(self, [replace(each, verdicts=[again(one) for one in each.verdicts]) for each in attempts])
        return []

    def again(verdict: Any) -> Any:
        task = verdict.task
        return verdict if verdict.retry or task.dispatch_count > 1 else replace(verdict, retry=task)

    plant.setattr(StoreTransaction, "ended", keep)


def given_up_too_soon(plant: Plant) -> None:
    plant.setattr(lifecycle, "limit_reached", lambda attempts, since, retry: RetryLimit.BOTH if attempts >= 2 else None)


def given_up_without_a_shelf(plant: Plant) -> None:
    plant.setattr(StoreTransaction, "shelve", lambda self, queue, dead, most: set())


def redriven_and_left_on_the_shelf(plant: Plant) -> None:
    plant.setattr(StoreTransaction, "drop_dead", lambda self, queue, dead_ids: 0)


def redriven_into_nothing(plant: Plant) -> None:
    add = StoreTransaction.add_tasks

    def some(self: StoreTransaction, queue: Any, tasks: Any) -> Any:
        redriven = [task for task in tasks if task.name.parent.queue == "again"]
        return add(self, queue, [task for task in tasks if task not in redriven[1:]])

    plant.setattr(StoreTransaction, "add_tasks", some)


BUGS: dict[Callable[[Plant], None], str] = {
    tokens_for_nothing: "too fast",
    tokens_earned_twice: "too fast",
    a_full_bucket_after_each_change: "too fast",
    one_too_many_at_once: "too many",
    pauses_overlooked: "paused",
    a_second_early: "early",
    retry_after_overlooked: "backoff",
    never_slowed: "not slowed",
    slowed_by_a_404: "slowed",
    slowed_to_a_standstill: "late",
    nobody_woken_when_there_is_room: "late",
    a_tenth_of_a_second_late: "late",
    delivered_tasks_kept: "repeated",
    given_up_too_soon: "lost",
    given_up_without_a_shelf: "unshelved",
    redriven_and_left_on_the_shelf: "astray",
    redriven_into_nothing: "unshelved",
}


def days() -> Iterator[History]:
    return (Day(seed).run().history for seed in range(SEEDS))


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_a_planted_bug_is_found(bug: Callable[[Plant], None], monkeypatch: Plant) -> None:
    bug(monkeypatch)
    first_broken(days(), {BUGS[bug]})


@pytest.mark.parametrize("share", [0.9, 1.1])
def test_waits_that_are_a_tenth_off_are_found(share: float, monkeypatch: Plant) -> None:
    waits(monkeypatch, lambda wait: wait * share)
    first_broken(days(), {"backoff"})


def test_a_microsecond_off_is_found(monkeypatch: Plant) -> None:
    waits(monkeypatch, lambda wait: wait + timedelta(microseconds=1))
    first_broken(days(), {"backoff"})
