"""What stays of tasks when their attempts end or they are given up: kept attempts, and dead letters on the shelf.

Everything here runs in the transaction that records the end, so a task is in its queue, or on the shelf, or done.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from msgspec.structs import replace

from tidegate.core.attempt_record import AttemptOutcome, AttemptRecord, attempt_record, lost_attempt
from tidegate.core.dead_letters import DeadTask, DeathReason, death_by, error_group
from tidegate.core.lifecycle import DELIVERED, Gone, Judgement, tried
from tidegate.core.queue import Kind
from tidegate.core.queue_options import Keep, Keeping, keeping
from tidegate.core.target import host_called
from tidegate.core.task import Task
from tidegate.core.times import later
from tidegate.engine.ports.events import TaskDied
from tidegate.engine.ports.shelf import KeptAttempt, ShelfTally
from tidegate.engine.ports.store import StoredQueue, Transaction

if TYPE_CHECKING:
    from tidegate.engine.records import Ended

SHELVED_AT_ONCE = 2 * 2**20
"""Bytes of bodies that one step moves from a queue to its shelf, some milliseconds of the writer's time."""

NEWEST_ATTEMPTS: Final = 4
"""Kept attempts of a task among which its newest is looked for: one that was forced beside it may have ended later."""


def gives_up(judgement: Judgement | None) -> bool:
    """Whether a task is given up."""
    return judgement is not DELIVERED and isinstance(judgement, Gone) and judgement.limit is not None


def leaves_something(ended: Ended, judgement: Judgement | None) -> bool:
    """Whether an ended attempt is kept, ends a task that may have kept attempts, or gives it up."""
    return (
        ended.exchange is not None or gives_up(judgement) or (judgement is DELIVERED and ended.task.dispatch_count > 1)
    )


class Shelving(Struct, frozen=True):
    """How queues keep attempts and dead letters: as they say themselves, ``otherwise`` as the settings do.
    ``app_engine`` maps services to URLs.
    """

    otherwise: Keeping = Keeping()
    app_engine: Mapping[str, str] = {}

    def of(self, stored: StoredQueue) -> Keeping:
        return keeping(stored.queue.options, self.otherwise)

    def ended(
        self,
        tx: Transaction,
        stored: StoredQueue,
        ended: Sequence[tuple[Ended, Judgement | None]],
        there: Collection[str],
        kept: list[KeptAttempt],
    ) -> list[TaskDied]:
        """Keep what is to be kept of a queue's ended attempts: dead tasks on the shelf, other attempts in ``kept``.
        ``there`` are the IDs of tasks that were given up now, and not deleted before. Returns those.
        """
        rules = self.of(stored)
        dead: list[DeadTask] = []
        delivered: list[str] = []
        given_up: list[str] = []
        alive = _alive_still(tx, stored, ended)
        stay = later(max(each.at for each, _ in ended), rules.attempts_for)  # until then those of tasks that are gone
        most = rules.attempts_of_a_task
        for each, judgement in ended:
            task, record = each.task, None
            task_id = task.name.task
            if judgement is DELIVERED:
                if task.dispatch_count > 1:
                    delivered.append(task_id)
            elif judgement is None and task_id not in alive:
                continue  # deleted meanwhile
            if each.exchange is not None:
                record = attempt_record(task, each.outcome, judgement, each.at, each.exchange, forced=each.forced)
            if gives_up(judgement):
                if task_id not in there:
                    continue
                dead.append(self._given_up(stored, each, judgement, record, rules))
                if rules.shelves:
                    continue  # with its attempts
                given_up.append(task_id)
            if record is not None:
                until = stay if record.final else None
                kept.append(KeptAttempt(stored, task_id, record, until, record.number - most))
        tx.end_attempts(stored, delivered, stay if rules.attempts is Keep.ALL else None)
        tx.end_attempts(stored, given_up, stay)
        return self._shelve(tx, stored, dead, rules)

    def cut_off(self, tx: Transaction, stored: StoredQueue, ended: Sequence[Ended]) -> list[KeptAttempt]:
        """What is to be kept of a queue's attempts that were cut off: those of tasks that are there."""
        rules = self.of(stored)
        alive = tx.living(stored, [each.task.name.task for each in ended])
        kept = []
        for each in ended:
            if each.exchange is None or each.task.name.task not in alive:
                continue
            record = attempt_record(each.task, each.outcome, None, each.at, each.exchange, forced=each.forced)
            record = replace(record, outcome=AttemptOutcome.CUT_OFF, status=None)
            outdated = record.number - rules.attempts_of_a_task
            kept.append(KeptAttempt(stored, each.task.name.task, record, None, outdated))
        return kept

    def lost(self, tx: Transaction, stored: StoredQueue, tasks: Sequence[Task], now: datetime) -> list[KeptAttempt]:
        """What is to be kept of a queue's attempts whose process is no more, as it was found out now. ``tasks`` are as
        they were while the attempts were under way. Attempts that were cut off are kept already.
        """
        rules = self.of(stored)
        if rules.attempts is Keep.NONE:
            return []
        kept = []
        for task in tasks:
            record = lost_attempt(task, now)
            newest = tx.attempts(stored, task.name.task, None, NEWEST_ATTEMPTS)
            if all(each.record.number != record.number for each in newest):
                outdated = record.number - rules.attempts_of_a_task
                kept.append(KeptAttempt(stored, task.name.task, record, None, outdated))
        return kept

    def bury(
        self, tx: Transaction, stored: StoredQueue, tasks: Sequence[Task], reason: DeathReason, now: datetime
    ) -> list[TaskDied]:
        """Give up tasks of a queue, whole, that have no attempt under way: off the queue, onto its shelf, their names
        taken for a while. Returns those that were there.
        """
        if not tasks:
            return []
        gone = tx.remove(stored, [task.name.task for task in tasks], later(now, stored.queue.tombstone_ttl))
        rules = self.of(stored)
        dead = [
            self._dead(stored, task, reason, now, rules, (), _last_error(task))
            for task in tasks
            if task.name.task in gone
        ]
        if not rules.shelves and stored.queue.kind is not Kind.PULL:
            tx.end_attempts(stored, sorted(gone), None)
        return self._shelve(tx, stored, dead, rules)

    def _shelve(self, tx: Transaction, stored: StoredQueue, dead: Sequence[DeadTask], rules: Keeping) -> list[TaskDied]:
        if not dead:
            return []
        shelved: set[str] = set()
        if rules.shelves:
            shelved = tx.shelve(stored, dead, ShelfTally(rules.dead_tasks, rules.dead_bytes))
        return [
            TaskDied(stored.queue.name, each.task.name, each.reason, each.task.name.task in shelved, each.death_time)
            for each in dead
        ]

    def _given_up(
        self, stored: StoredQueue, ended: Ended, judgement: Any, record: AttemptRecord | None, rules: Keeping
    ) -> DeadTask:
        task = tried(ended.task, ended.outcome, ended.at, ended.task.schedule_time)
        own = () if record is None else (record,)
        return self._dead(stored, task, death_by(judgement.limit), ended.at, rules, own, ended.outcome.reason)

    def _dead(
        self,
        stored: StoredQueue,
        task: Task,
        reason: DeathReason,
        now: datetime,
        rules: Keeping,
        own: tuple[AttemptRecord, ...] = (),
        error: str = "",
    ) -> DeadTask:
        host = host_called(task, stored.queue, self.app_engine)
        return DeadTask(
            task=task,
            death_time=now,
            reason=reason,
            expire_time=later(now, rules.dead_for),
            error_group=error_group(task.last_attempt, error, host, reason),
            attempts=own,
        )


USUAL: Final = Shelving()


def first_of(tasks: Sequence[Task], sizes: Sequence[int]) -> Sequence[Task]:
    """The first of the tasks, one at least, whose bodies of these sizes one step may move."""
    room = SHELVED_AT_ONCE
    for count, size in enumerate(sizes):
        room -= size
        if room < 0 and count:
            return tasks[:count]
    return tasks


def _alive_still(tx: Transaction, stored: StoredQueue, ended: Sequence[tuple[Ended, Judgement | None]]) -> set[str]:
    """The IDs of tasks that are there though an attempt's outcome did not count: another one was started beside it."""
    asked = [each.task.name.task for each, judgement in ended if judgement is None and each.exchange is not None]
    return tx.living(stored, asked) if asked else set()


def _last_error(task: Task) -> str:
    status = None if task.last_attempt is None else task.last_attempt.status
    return "" if status is None else status.message
