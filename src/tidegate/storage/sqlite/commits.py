"""Group commit: one thread owns the writing connection, and whatever arrived while the last transaction was syncing
goes into the next.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, Generic, NamedTuple, TypeVar

import apsw

from tidegate.engine.ports.store import StoreError, StoreFullError
from tidegate.engine.promise import Promise
from tidegate.storage.commit_counts import CommitCounts

logger = logging.getLogger(__name__)

H = TypeVar("H")

LOOK_EVERY = 0.5
"""Seconds between two looks after the file of an idle store."""


class _Job(NamedTuple):
    work: Callable[[Any], Any]
    promise: Promise


_Answer = tuple[Promise, Any, BaseException | None]


class Worker(Generic[H]):
    """Runs jobs on a connection in a thread of its own, in transactions of as many as are waiting.

    ``handle`` is what each job is called with, ``begin`` begins a transaction. Answers are given on the event loop once
    it is committed. A job that raises changes nothing; the others of its transaction stand. When what is on disk is no
    longer known (a sync failed, a page is not what it was, a transaction cannot be undone), ``on_broken`` is called in
    the thread before anybody is answered, and every job from then on fails. So it is when ``guard`` raises, because the
    file is not what it was: it is called after each commit, before anybody is answered, and twice a second while there
    is nothing to do. ``make_room`` is called in the thread when the disk is full, and says whether it made some;
    ``rolled_back`` when what the jobs did is undone. ``counts`` counts commits.
    """

    def __init__(
        self,
        name: str,
        connection: apsw.Connection,
        handle: H,
        *,
        begin: Callable[[], None],
        guard: Callable[[], None] | None = None,
        on_broken: Callable[[StoreError], None] | None = None,
        make_room: Callable[[], bool] = lambda: False,
        rolled_back: Callable[[], None] = lambda: None,
        counts: CommitCounts | None = None,
    ) -> None:
        self._connection = connection
        self._handle = handle
        self._begin = begin
        self._guard = guard
        self._on_broken = on_broken
        self._make_room = make_room
        self._rolled_back = rolled_back
        self._counts = counts
        self._loop = asyncio.get_running_loop()
        self._waiting: SimpleQueue[_Job | None] = SimpleQueue()  # None: no more will come
        self._closing = False
        self._broken: StoreError | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[H], Any]) -> Promise:
        promise = Promise(loop=self._loop)
        if self._closing:
            promise.set_exception(StoreError("the store is closed"))
        else:
            self._waiting.put(_Job(work, promise))
        return promise

    async def close(self) -> None:
        """Finish what was submitted, then end the thread and close the connection."""
        self._closing = True
        self._waiting.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    def _run(self) -> None:
        last = False
        while not last:
            arrived = [self._first()]
            arrived += [self._waiting.get() for _ in range(self._waiting.qsize())]
            jobs = [job for job in arrived if job is not None]
            last = len(jobs) < len(arrived)
            if jobs:
                answers = self._transact(jobs)
                self._loop.call_soon_threadsafe(_give, answers)
        self._connection.close()

    def _first(self) -> _Job | None:
        """Wait for the next job, and meanwhile look after the file."""
        if self._guard is None:
            return self._waiting.get()
        while True:
            try:
                return self._waiting.get(timeout=LOOK_EVERY)
            except Empty:
                self._look()

    def _look(self) -> None:
        if self._broken is None and self._guard is not None:
            try:
                self._guard()
            except BaseException as error:
                self._break(StoreError(f"the store can no longer be used: {error}"))

    def _transact(self, jobs: list[_Job], *, again: bool = True) -> list[_Answer]:
        """Answers to all of the jobs, whatever happens: who gets none waits for ever."""
        failure = self._broken
        if failure is None:
            try:
                return self._commit(jobs, again=again)
            except BaseException as error:
                failure = self._failed(error)
        return [(job.promise, None, failure) for job in jobs]

    def _commit(self, jobs: list[_Job], *, again: bool) -> list[_Answer]:
        try:
            self._begin()
            answers, unclean = self._attempt(jobs)
            if not unclean:
                begun = time.perf_counter()
                self._connection.execute("COMMIT")
                if self._counts is not None:
                    self._counts.add(len(jobs), time.perf_counter() - begun)
                if self._guard is not None:
                    self._guard()
                return answers
        except apsw.FullError as error:
            self._roll_back()
            answers = [(job.promise, None, StoreFullError(f"the disk is full: {error}")) for job in jobs]
            # Once: what needs more than there is would fill the log each time, whose room is then found again.
            if again and self._make_room() and len(jobs) == 1:
                return self._transact(jobs, again=False)
        else:
            self._roll_back()
        # On a full disk this lets removals through, which need less room than what was refused.
        return answers if len(jobs) == 1 else self._one_by_one(jobs)

    def _one_by_one(self, jobs: list[_Job]) -> list[_Answer]:
        """One job spoiled it for the others: each gets a transaction of its own, so that only its own changes go."""
        return [answer for job in jobs for answer in self._transact([job])]

    def _attempt(self, jobs: list[_Job]) -> tuple[list[_Answer], bool]:
        """Run the jobs; also say whether one of them raised with changes made."""
        answers: list[_Answer] = []
        unclean = False
        changes = self._connection.total_changes
        for job in jobs:
            before = changes()
            try:
                answers.append((job.promise, job.work(self._handle), None))
            except apsw.Error:  # not the job's fault but the store's
                raise
            except BaseException as error:
                answers.append((job.promise, None, error))
                unclean |= changes() != before
        return answers, unclean

    def _failed(self, error: BaseException) -> StoreError:
        """Clear up after a transaction that could not be committed; what everybody in it is told."""
        if self._counts is not None:
            self._counts.failed += 1
        failure = StoreError(f"the store could not commit: {error}")
        of_sqlite, of_the_disk = apsw.Error, apsw.IOError | apsw.CorruptError | apsw.NotADBError
        doubtful = isinstance(error, of_the_disk) or not isinstance(error, of_sqlite)
        try:
            self._roll_back()
        except BaseException as worse:
            failure, doubtful = StoreError(f"the store could not roll back: {worse}"), True
        if doubtful:
            self._break(failure)
        return failure

    def _break(self, failure: StoreError) -> None:
        """Let nothing go on: what is on disk is no longer known, and only a restart finds out."""
        self._broken = failure
        if self._on_broken is not None:
            try:
                self._on_broken(failure)
            except BaseException:
                logger.exception("nobody could be told that the store is broken")

    def _roll_back(self) -> None:
        self._rolled_back()
        if self._connection.in_transaction:  # SQLite may have rolled back by itself
            self._connection.execute("ROLLBACK")


def _give(answers: list[_Answer]) -> None:
    for promise, answer, error in answers:
        if error is None:
            promise.set_result(answer)
        elif isinstance(error, StopIteration):
            promise.set_exception(RuntimeError("a job raised StopIteration"))  # which no future takes
        else:
            promise.set_exception(error)
