"""Any day of a server, whatever its dice, keeps every promise to every client; and a server that breaks one is caught.

The long form: ``make simulate SEEDS=10000``.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from tests.invariants.checker import first_broken, violations
from tests.invariants.history import story
from tests.kit.figures import note
from tests.promises.cluster import Cluster
from tests.promises.disk import SyncedStore

from tidegate.core.backoff import RetryLimit
from tidegate.core.bucket import Flow
from tidegate.core.lifecycle import Gone, judge
from tidegate.engine import records
from tidegate.engine.ports.store import EndedAttempts, Released, StoredQueue, Transaction, Verdict
from tidegate.storage.sqlite.tables import SqliteTables
from tidegate.storage.transaction import StoreTransaction

SEEDS = int(os.environ.get("SEEDS", "1700"))
BLOCKS = 10
BROKEN_SEEDS = 250
"""Days after which a broken server must have been caught."""


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "tidegate")  # the errors are injected


@pytest.mark.timeout(120 + SEEDS)
@pytest.mark.parametrize("block", range(BLOCKS))
def test_any_day_keeps_every_promise_to_every_client(block: int) -> None:
    counts: Counter[str] = Counter(violations=0)
    try:
        for seed in range(block, SEEDS, BLOCKS):
            day = Cluster(seed).run()
            broken = violations(day.history)
            counts.update(type(entry).__name__ for entry in day.history.entries)
            counts.update(seeds=1, violations=len(broken))
            assert not broken, f"seed {seed}: {broken[0]}\n{story(day.history, broken[0].about)}"
    finally:
        note(
            "clients",
            seeds=counts["seeds"],
            calls=counts["Called"],
            attempts=counts["Requested"],
            crashes=counts["Crashed"],
            clock_moves=counts["ClockMoved"],
            violations=counts["violations"],
        )


def test_a_seed_plays_the_same_day_again(monkeypatch: pytest.MonkeyPatch) -> None:
    # Long work pauses by the machine's time, which says what else the machine does.
    monkeypatch.setattr("tidegate.api.pace.perf_counter", lambda: 0.0)
    for seed in range(5):
        assert Cluster(seed).run().history.entries == Cluster(seed).run().history.entries


# --- servers that break a promise ------------------------------------------------------------------------------------

Plant = Callable[[pytest.MonkeyPatch], None]


def no_check_of_the_attempt_number(plant: pytest.MonkeyPatch) -> None:
    """Whatever attempt ends, its outcome counts."""
    ended = StoreTransaction.ended

    def newest(tx: Any, queue: StoredQueue, verdict: Verdict) -> Verdict:
        task = tx.task(queue, verdict.task.name.task, body=False)
        count = verdict.task.dispatch_count if task is None else task.dispatch_count
        return Verdict(replace(verdict.task, dispatch_count=count), verdict.retry)

    def ends(self: Any, attempts: Sequence[EndedAttempts]) -> Any:
        ended(
            self,
            [
                replace(each, verdicts=[newest(self, each.queue, verdict) for verdict in each.verdicts])
                for each in attempts
            ],
        )
        return []

    plant.setattr(StoreTransaction, "ended", ends)


def tokens_are_not_kept(plant: pytest.MonkeyPatch) -> None:
    """They are full again after each start."""
    release = StoreTransaction.release

    def releases(self: Any, *about: Any) -> Any:
        self.tables.execute("UPDATE queues SET tokens = 1000000")
        return release(self, *about)

    plant.setattr(StoreTransaction, "release", releases)


def answers_before_the_sync(plant: pytest.MonkeyPatch) -> None:
    """What is acknowledged is on disk a little later."""

    async def commit(self: Any) -> None:
        while self._waiting:
            (work, promise), *self._waiting = self._waiting
            answer, error = await self._dry(work)
            if error is None:
                promise.set_result(answer)
            else:
                promise.set_exception(error)
                continue
            await self._sync()
            await self._transact(work)

    async def dry(self: Any, work: Callable[[Transaction], Any]) -> tuple[Any, Exception | None]:
        class TakeItBackError(Exception):
            pass

        found: list[Any] = []

        def tried(tx: Transaction) -> None:
            found.append(work(tx))
            raise TakeItBackError

        _, error = await self._transact(tried)
        return (found[0], None) if isinstance(error, TakeItBackError) else (None, error)

    plant.setattr(SyncedStore, "_commit", commit)
    plant.setattr(SyncedStore, "_dry", dry, raising=False)


def attempts_are_not_released(plant: pytest.MonkeyPatch) -> None:
    """What was under way at a crash stays so."""
    plant.setattr(StoreTransaction, "release", lambda *_: Released((), left=False))


def names_are_free_at_once(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(SqliteTables, "entomb", lambda *_: None)


def deletes_forget_the_last(plant: pytest.MonkeyPatch) -> None:
    """A batch says that it deleted one more than it did."""
    remove = StoreTransaction.remove

    def removes(self: Any, queue: StoredQueue, task_ids: Sequence[str], until: Any) -> set[str]:
        return remove(self, queue, task_ids[:-1] if len(task_ids) > 1 else task_ids, until) | set(task_ids[-1:])

    plant.setattr(StoreTransaction, "remove", removes)


def attempts_are_not_counted(plant: pytest.MonkeyPatch) -> None:
    """The count of those under way forgets one at each claim."""
    grant = Flow.grant

    def grants(self: Flow, wanted: int, limits: Any, now: Any) -> tuple[int, Flow]:
        granted, flow = grant(self, wanted, limits, now)
        return granted, replace(flow, in_flight=max(0, flow.in_flight - 1))

    plant.setattr(Flow, "grant", grants)


def gives_up_at_the_first_failure(plant: pytest.MonkeyPatch) -> None:
    def judges(task: Any, queue: Any, outcome: Any, now: Any) -> Any:
        return Gone(RetryLimit.MAX_ATTEMPTS) if outcome.http_status == 404 else judge(task, queue, outcome, now)

    plant.setattr(records, "judge", judges)


def retries_at_once(plant: pytest.MonkeyPatch) -> None:
    def judges(task: Any, queue: Any, outcome: Any, now: Any) -> Any:
        judgement = judge(task, queue, outcome, now)
        if isinstance(judgement, Gone):
            return judgement
        return replace(judgement, task=replace(judgement.task, schedule_time=now))

    plant.setattr(records, "judge", judges)


def a_purge_leaves_the_tasks(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(StoreTransaction, "purge", lambda self, stored, queue, until: self.save_queue(stored, queue))


def a_pause_lasts_until_the_next_task(plant: pytest.MonkeyPatch) -> None:
    plant.setattr("tidegate.core.queue.Queue.dispatches", True)


def pages_overlap(plant: pytest.MonkeyPatch) -> None:
    tasks = StoreTransaction.tasks

    def pages(self: Any, queue: StoredQueue, after: str, limit: int, **more: Any) -> Any:
        return tasks(self, queue, after[:-1], limit, **more)

    plant.setattr(StoreTransaction, "tasks", pages)


def a_lease_is_for_everybody(plant: pytest.MonkeyPatch) -> None:
    leasable = StoreTransaction.leasable

    def anything(self: Any, queue: StoredQueue, tag: str | None, now: Any, limit: int) -> Any:
        return leasable(self, queue, tag, now + timedelta(seconds=30), limit)

    plant.setattr(StoreTransaction, "leasable", anything)


CAUGHT: dict[Plant, set[str]] = {
    no_check_of_the_attempt_number: {"overlap", "repeated", "lost"},
    tokens_are_not_kept: {"too fast"},
    answers_before_the_sync: {"lost", "returned", "repeated", "number", "unlisted"},
    attempts_are_not_released: {"lost"},
    names_are_free_at_once: {"taken twice"},
    deletes_forget_the_last: {"returned"},
    attempts_are_not_counted: {"too many"},
    gives_up_at_the_first_failure: {"lost"},
    retries_at_once: {"backoff"},
    a_purge_leaves_the_tasks: {"returned"},
    a_pause_lasts_until_the_next_task: {"paused"},
    pages_overlap: {"listed twice"},
    a_lease_is_for_everybody: {"shared"},
}


@pytest.mark.parametrize("broken", CAUGHT, ids=lambda each: each.__name__)
def test_the_days_would_catch(broken: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch)
    first_broken((Cluster(seed).run().history for seed in range(BROKEN_SEEDS)), CAUGHT[broken])
