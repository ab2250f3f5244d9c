"""Group commit: what arrived while the last transaction was syncing goes into the next; and what became of it is always
found out.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from typing import Final, NamedTuple

import psycopg
from psycopg import errors

from tidegate.core.names import QueueName
from tidegate.engine.ports.store import FencedError, StoreAwayError, StoreError, StoreFullError
from tidegate.storage.commit_counts import CommitCounts
from tidegate.storage.postgres import statements as sql
from tidegate.storage.postgres.connecting import LOST_STATEMENTS, Connection, run
from tidegate.storage.postgres.holding import SpoiledError
from tidegate.storage.postgres.link import Link
from tidegate.storage.postgres.transaction import PostgresTransaction
from tidegate.storage.postgres.worker import TICK, Answer, Job, LostError, Runner, is_lost, one_by_one

logger = logging.getLogger(__name__)

LANE: Final = 0
"""Each node has one writing connection."""

TRIES: Final = 3
"""After so many tries the jobs of a batch run one by one; then each of them so often again."""

LATE: Final = 1.0
"""Seconds from the beginning of a transaction to its end after which its tasks may lie behind their queue's head."""

DEFERRED_FOR: Final = 0.02
"""Seconds until a job is tried again whose queue another transaction holds."""

HELD_TOO_LONG: Final = 5.0
"""Seconds after which it is given up."""

PUBLISH_EVERY: Final = 1.0
"""Seconds within which places of ended attempts and counts of tasks are written, if nothing else takes them along."""

BEGIN: Final = "BEGIN ISOLATION LEVEL READ COMMITTED"
"""Whatever the default of the database is: what is read under a lock must be newer than the lock."""

AGAIN: Final = (
    errors.DeadlockDetected,
    errors.SerializationFailure,
    errors.LockNotAvailable,
    errors.QueryCanceled,
    SpoiledError,
)
"""What others spoiled: the transaction is run again."""


class Doubt(NamedTuple):
    """A transaction whose COMMIT was not answered: the answers if it was committed."""

    node: int
    number: int
    answers: list[Answer]


class _UncleanError(Exception):
    """A job raised after it had written."""


class Commits(Runner):
    """Runs jobs as one transaction of a node. ``node`` says which it is, 0 when it has not joined."""

    link: Link
    """The connection, made anew when it breaks; set before the first job."""

    def __init__(self, transaction: PostgresTransaction, sampled: Callable[[int], None], counts: CommitCounts) -> None:
        """``sampled`` is told the database's time, in microseconds, as each transaction begins; ``counts`` counts
        commits.
        """
        self._counts = counts
        self._transaction = transaction
        self._tables = transaction.tables
        self._sampled = sampled
        self._number = 0
        self._doubt: Doubt | None = None
        self._switches = 0
        self._warned = False
        self._publish_at = 0.0
        self._deferred: list[Job] = []

    @property
    def settled(self) -> int:
        """The number of a transaction up to which it is known of all whether they were committed."""
        return self._number if self._doubt is None else self._doubt.number - 1

    def connected(self, connection: Connection) -> None:
        """Go on with this connection."""
        self._tables.on.use(connection)
        if self.link.switches != self._switches:
            self._switches = self.link.switches
            self._transaction.switched()
        connection.add_notice_handler(self._noticed)

    def _noticed(self, diagnostic: psycopg.errors.Diagnostic) -> None:
        # An administrator who cancels the wait for a standby makes COMMIT succeed, with a warning.
        if self.committing_since is not None and diagnostic.severity_nonlocalized == "WARNING":
            self._warned = True

    @property
    def tick(self) -> float:  # type: ignore[override]
        return DEFERRED_FOR if self._deferred else TICK

    def own(self) -> list[Job]:
        jobs, self._deferred = [job for job in self._deferred if not job.given_up], []
        ledger = self._tables.ledger
        now = time.monotonic()
        if now >= self._publish_at and ledger.has_news and self._tables.node:
            self._publish_at = now + PUBLISH_EVERY
            jobs.append(Job(PostgresTransaction.publish, None))
        return jobs

    def run(self, jobs: list[Job]) -> list[Answer]:
        for attempt in range(1, TRIES + 1):
            try:
                return self._together(jobs)
            except _UncleanError:
                break
            except AGAIN as error:
                self._undo(jobs)
                if attempt == TRIES and len(jobs) == 1:
                    return _failed(jobs, StoreError(f"the store could not commit: {_line(error)}"))
                time.sleep(random.uniform(0.01, 0.05))  # noqa: S311 - not all at the same moment
            except LOST_STATEMENTS:
                self._transaction.rolled_back()
                self.link.without_prepared()
                raise LostError(jobs) from None
            except psycopg.Error as error:
                if is_lost(error, self.link):
                    self._transaction.rolled_back()
                    raise LostError(jobs) from error
                self._undo(jobs)
                if len(jobs) == 1:
                    return _failed(jobs, self._refused(error))
                break  # one by one: when the disk is full, removals may find room
        return one_by_one(self.run, jobs)

    def _refused(self, error: psycopg.Error) -> StoreError:
        if isinstance(error, errors.DiskFull):
            return StoreFullError(f"the disk is full: {_line(error)}")
        logger.error("PostgreSQL refused a statement: %s", _line(error))
        return StoreError(f"the store could not commit: {_line(error)}")

    def _together(self, jobs: list[Job]) -> list[Answer]:  # noqa: C901 - a transaction, from top to bottom
        transaction, on = self._transaction, self._tables.on
        began = time.monotonic()
        run(self.link.connection, BEGIN)
        if not self._fence(self._tables.node):
            self._undo(jobs)
            return _failed(jobs, FencedError("this node was taken for dead, and writes no more"))
        on.writes = 0
        held = transaction.begin(_names(job.holds for job in jobs), _names(job.changes for job in jobs))
        answers: list[Answer] = []
        for job in jobs:
            if held and not held.isdisjoint(job.changes):
                answers += self._defer(job)
                continue
            before, first = on.writes, len(transaction.started)
            try:
                result = job.work(transaction)
            except (psycopg.Error, SpoiledError):  # not the job's fault but the store's
                raise
            except BaseException as error:
                answers.append(Answer(job, None, error))
                if on.writes != before:
                    self._undo(jobs)
                    if len(jobs) == 1:
                        return answers
                    raise _UncleanError from None
            else:
                answers.append(Answer(job, result, None, transaction.started[first:]))
        transaction.before_commit()
        if on.writes:
            self._commit(answers)
            if time.monotonic() - began > LATE:
                transaction.was_late()
        else:
            run(self.link.connection, "ROLLBACK")  # nothing to sync
        transaction.committed()
        return answers

    def _defer(self, job: Job) -> list[Answer]:
        """Try again soon: another transaction holds a queue that the job has to change. Nobody else waits for it."""
        if time.monotonic() - job.arrived > HELD_TOO_LONG:
            return [Answer(job, None, StoreAwayError("another transaction holds the queue"))]
        if job not in self._deferred:
            self._deferred.append(job)
        return []

    def _fence(self, node: int) -> bool:
        row = self._tables.on.row(sql.FENCE, (node, LANE))
        if row is None:
            return False
        self._sampled(row[0])
        return True

    def _commit(self, answers: list[Answer]) -> None:
        """Commit, leaving a row that tells of it. Raises what kept it from being committed; with ``_doubt`` set nobody
        knows whether it was.
        """
        self._number += 1
        node = self._tables.node
        self._doubt = Doubt(node, self._number, answers)
        self._warned = False
        self.committing_since = begun = time.monotonic()
        try:
            run(self.link.connection, f"INSERT INTO commits VALUES ({node}, {self._number}); COMMIT")
        except psycopg.Error as error:
            self._counts.failed += 1
            if is_lost(error, self.link):
                raise LostError(()) from error
            self._doubt = None
            raise
        finally:
            self.committing_since = None
        if self._warned:
            self.link.drop()
            raise LostError(())
        self._doubt = None
        self._counts.add(len(answers), time.monotonic() - begun)

    def recover(self) -> tuple[list[Answer], list[Job]]:
        if self._doubt is None:
            return [], []
        node, number, answers = self._doubt
        found = self._was_committed(node, number)
        self._doubt = None
        if found:
            self._transaction.was_late()
            self._transaction.committed()
            return answers, []
        self._transaction.rolled_back()
        return [], [answer.job for answer in answers if answer.job.promise is not None]

    def _was_committed(self, node: int, number: int) -> bool:
        """Whether a transaction was, once it is over; known when a transaction after it is committed without a warning,
        for then the standbys have both.
        """
        run(self.link.connection, BEGIN)
        alive = self._fence(node)
        found = self._tables.on.row(sql.WAS_COMMITTED, (node, number)) is not None
        if not alive:
            run(self.link.connection, "ROLLBACK")
            return found
        self._number += 1
        self._warned = False
        self.committing_since = time.monotonic()
        try:
            run(self.link.connection, f"INSERT INTO commits VALUES ({node}, {self._number}); COMMIT")
        finally:
            self.committing_since = None
        if self._warned:
            raise psycopg.OperationalError("COMMIT was answered with a warning")
        return found

    def _undo(self, jobs: list[Job]) -> None:
        self._transaction.rolled_back()
        try:
            run(self.link.connection, "ROLLBACK")
        except psycopg.Error as error:
            raise LostError(jobs) from error


def _names(groups: object) -> set[QueueName]:
    return {name for group in groups for name in group}  # type: ignore[attr-defined]


def _failed(jobs: list[Job], error: BaseException) -> list[Answer]:
    return [Answer(job, None, error) for job in jobs]


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())
