"""A thread with a connection of its own: jobs go in from the event loop, answers come back to it."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Final, NamedTuple

import psycopg

from tidegate.core.names import QueueName
from tidegate.engine.ports.store import StoreAwayError, StoreError
from tidegate.engine.promise import Promise
from tidegate.storage.postgres.link import Link

logger = logging.getLogger(__name__)

PATIENCE: Final = 2.0
"""Seconds that a call waits for a database that is away: a switch-over takes less."""

COMMIT_PATIENCE: Final = 10.0
"""Seconds that a COMMIT may take; statement_timeout does not bound it, and a lost standby may hold it for ever."""

ANSWER_PATIENCE: Final = 12.0
"""Seconds that any answer may take: the server ends a statement after ten. One that takes longer is lost on its way."""

LOOK_EVERY: Final = 0.25
"""Seconds between two looks after jobs that wait."""

TICK: Final = 1.0
"""Seconds after which a thread without jobs looks for work of its own."""


class Job:
    """Work on its way through a thread."""

    __slots__ = ("arrived", "changes", "given_up", "holds", "promise", "reads", "work")

    def __init__(
        self,
        work: Callable[[Any], Any],
        promise: Promise | None,
        holds: Collection[QueueName] = (),
        changes: Collection[QueueName] = (),
        reads: Collection[QueueName] = (),
    ) -> None:
        self.work = work
        self.promise = promise
        self.holds = holds
        self.changes = changes
        self.reads = reads
        self.arrived = time.monotonic()
        self.given_up = False


class Answer(NamedTuple):
    """What became of a job: its result or an error, and the attempts that it started."""

    job: Job
    result: Any
    error: BaseException | None = None
    started: Sequence[tuple[int, int]] = ()


class LostError(Exception):
    """The connection broke. ``answers`` are known all the same; the jobs in ``again`` run on the next connection."""

    def __init__(self, again: Sequence[Job], answers: Sequence[Answer] = ()) -> None:
        super().__init__("the connection broke")
        self.again = list(again)
        self.answers = list(answers)


class Runner:
    """What a thread does with its jobs."""

    committing_since: float | None = None
    """When the COMMIT that is under way was sent."""

    tick: float = TICK
    """Seconds after which the thread asks for jobs of its own, when no others come."""

    def run(self, jobs: list[Job]) -> list[Answer]:
        """Answers to all of the jobs. Raises LostError when the connection broke and they are to run again."""
        raise NotImplementedError

    def own(self) -> list[Job]:
        """Jobs of the thread's own that are due."""
        return []

    def recover(self) -> tuple[list[Answer], list[Job]]:
        """With a new connection: answers, and jobs to be run again, of a transaction whose answer was missing."""
        return [], []


class Worker:
    """Runs jobs in a thread. While its link is down they wait, but no longer than ``PATIENCE``."""

    def __init__(
        self, name: str, link: Link, runner: Runner, orphaned: Callable[[Sequence[tuple[int, int]]], None] | None = None
    ) -> None:
        """``orphaned`` is told of attempts that were started after all, by jobs whose callers had been given up."""
        self._link = link
        self._runner = runner
        self._orphaned = orphaned
        self._loop = asyncio.get_running_loop()
        self._arriving: SimpleQueue[Job | None] = SimpleQueue()  # None: no more will come
        self._outstanding: set[Job] = set()
        self._closing = False
        self._away_since: float | None = None
        self._watch = self._loop.call_later(LOOK_EVERY, self._look)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(
        self,
        work: Callable[[Any], Any],
        holds: Collection[QueueName] = (),
        changes: Collection[QueueName] = (),
        reads: Collection[QueueName] = (),
    ) -> Promise:
        promise = Promise(loop=self._loop)
        if self._closing:
            promise.set_exception(StoreError("the store is closed"))
            return promise
        job = Job(work, promise, holds, changes, reads)
        self._outstanding.add(job)
        self._arriving.put(job)
        return promise

    @property
    def is_away(self) -> bool:
        """Whether the database has not been there for longer than calls wait."""
        return self.away_for > PATIENCE

    @property
    def away_for(self) -> float:
        """For how many seconds the database has not been there; 0 while it is."""
        since = self._away_since
        return 0.0 if since is None else time.monotonic() - since

    async def close(self) -> None:
        """Finish what was submitted if the database is there, then end the thread and close the connection."""
        self._closing = True
        self._arriving.put(None)
        self._link.end()
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)
        self._watch.cancel()

    def _run(self) -> None:
        pending: list[Job] = []
        last = False
        while not (last and not pending):
            if not pending and not last:
                try:
                    first = self._arriving.get(timeout=self._runner.tick)
                    pending, last = ([], True) if first is None else ([first], last)
                except Empty:
                    pass
            for _ in range(self._arriving.qsize()):
                job = self._arriving.get()
                if job is None:
                    last = True
                else:
                    pending.append(job)
            pending = [job for job in pending if not job.given_up]
            if not self._link.connect():
                if self._away_since is None:
                    self._away_since = time.monotonic()
                if last:
                    self._tell([Answer(job, None, _away()) for job in pending])
                    break
                continue
            pending = self._step(pending)
        self._link.drop()

    def _step(self, pending: list[Job]) -> list[Job]:
        """Run the jobs; those that are to run again."""
        try:
            answers, again = self._recover(pending)
            self._away_since = None
            self._tell(answers)
            pending = [job for job in again if not job.given_up] + pending + self._runner.own()
            if pending:
                self._tell(self._runner.run(pending))
        except LostError as lost:
            self._away_since = self._away_since or time.monotonic()
            self._link.drop()
            self._tell(lost.answers)
            return lost.again
        except BaseException as error:  # who gets no answer waits for ever
            logger.exception("the store failed")
            self._link.drop()
            self._tell([Answer(job, None, StoreError(f"the store failed: {error}")) for job in pending])
        return []

    def _recover(self, pending: list[Job]) -> tuple[list[Answer], list[Job]]:
        try:
            return self._runner.recover()
        except psycopg.Error as error:  # the old transaction still holds its row, say
            raise LostError(pending) from error

    def _tell(self, answers: Sequence[Answer]) -> None:
        if answers:
            self._loop.call_soon_threadsafe(self._give, answers)

    def _give(self, answers: Sequence[Answer]) -> None:
        orphans: list[tuple[int, int]] = []
        for job, result, error, started in answers:
            self._outstanding.discard(job)
            promise = job.promise
            if promise is None:
                continue
            if job.given_up:
                if error is None:
                    orphans += started
            elif error is None:
                promise.set_result(result)
            elif isinstance(error, StopIteration):
                promise.set_exception(RuntimeError("a job raised StopIteration"))  # which no future takes
            else:
                promise.set_exception(error)
        if orphans and self._orphaned is not None:
            self._orphaned(orphans)

    def _look(self) -> None:
        """Give up who has waited for long enough, and break a connection that does not answer a COMMIT."""
        self._watch = self._loop.call_later(LOOK_EVERY, self._look)
        now = time.monotonic()
        since = self._runner.committing_since
        if since is not None and now - since > COMMIT_PATIENCE:
            logger.warning("PostgreSQL has not answered a COMMIT for %g s; connecting anew", COMMIT_PATIENCE)
            self._link.cut()
        since = self._link.waiting_since
        if since is not None and now - since > ANSWER_PATIENCE:
            logger.warning("PostgreSQL has not answered for %g s; connecting anew", ANSWER_PATIENCE)
            self._link.cut()
        if self._away_since is None:
            return
        for job in [job for job in self._outstanding if now - job.arrived > PATIENCE]:
            job.given_up = True
            self._outstanding.discard(job)
            if job.promise is not None:
                job.promise.set_exception(_away())


def _away() -> StoreAwayError:
    return StoreAwayError("PostgreSQL cannot be reached")


def is_lost(error: psycopg.Error, link: Link) -> bool:
    """Whether the connection is gone, or leads to a server that takes no writes. psycopg's classes do not tell: an
    idle transaction that the server ended is an InternalError. So the connection is asked.
    """
    return not link.is_up or isinstance(error, psycopg.errors.ReadOnlySqlTransaction)


def one_by_one(run: Callable[[list[Job]], list[Answer]], jobs: Sequence[Job]) -> list[Answer]:
    """Run each of the jobs by itself."""
    answers: list[Answer] = []
    for place, job in enumerate(jobs):
        try:
            answers += run([job])
        except LostError as lost:
            raise LostError([*lost.again, *jobs[place + 1 :]], [*answers, *lost.answers]) from lost
    return answers
