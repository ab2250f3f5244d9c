"""Group commit: one thread owns the writing connection, and whatever arrived while the last transaction was syncing
goes into the next.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Generic, NamedTuple, TypeVar

import apsw

from tidegate.engine.batching import Promise
from tidegate.engine.ports import StoreError, StoreFullError

H = TypeVar("H")


class _Job(NamedTuple):
    work: Callable[[Any], Any]
    promise: Promise


_Answer = tuple[Promise, Any, BaseException | None]


class Worker(Generic[H]):
    """Runs jobs on a connection in a thread of its own, in transactions of as many as are waiting.

    ``handle`` is what each job is called with. Answers are given on the event loop once the transaction is committed.
    A job that raises changes nothing; the others of its transaction stand. When what is on disk is no longer known (a
    sync failed, a page is not what it was), ``on_broken`` is called in the thread before anybody is answered, and every
    job from then on fails. ``make_room`` is called in the thread when the disk is full, and says whether it made some;
    ``rolled_back`` when what the jobs did is undone.
    """

    def __init__(
        self,
        name: str,
        connection: apsw.Connection,
        handle: H,
        *,
        begin: str,
        on_broken: Callable[[StoreError], None] | None = None,
        make_room: Callable[[], bool] = lambda: False,
        rolled_back: Callable[[], None] = lambda: None,
    ) -> None:
        self._connection = connection
        self._handle = handle
        self._begin = begin
        self._on_broken = on_broken
        self._make_room = make_room
        self._rolled_back = rolled_back
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
            arrived = [self._waiting.get()]
            arrived += [self._waiting.get() for _ in range(self._waiting.qsize())]
            jobs = [job for job in arrived if job is not None]
            last = len(jobs) < len(arrived)
            if jobs:
                answers = self._transact(jobs)
                self._loop.call_soon_threadsafe(_give, answers)
        self._connection.close()

    def _transact(self, jobs: list[_Job], *, again: bool = True) -> list[_Answer]:
        if self._broken is not None:
            return [(job.promise, None, self._broken) for job in jobs]
        try:
            self._connection.execute(self._begin)
            answers, unclean = self._attempt(jobs)
            if not unclean:
                self._connection.execute("COMMIT")
                return answers
            self._connection.execute("ROLLBACK")
            self._rolled_back()
        except apsw.FullError as error:
            self._roll_back()
            answers = [(job.promise, None, StoreFullError(f"the disk is full: {error}")) for job in jobs]
            # Once: what needs more than there is would fill the log each time, whose room is then found again.
            if again and self._make_room() and len(jobs) == 1:
                return self._transact(jobs, again=False)
        except apsw.Error as error:
            return self._failed(jobs, error)
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
            except Exception as error:
                answers.append((job.promise, None, error))
                unclean |= changes() != before
        return answers, unclean

    def _failed(self, jobs: list[_Job], error: apsw.Error) -> list[_Answer]:
        """The transaction could not be committed: nobody is told it was, and after a failed sync nothing goes on."""
        failure = StoreError(f"the store could not commit: {error}")
        if isinstance(error, apsw.IOError | apsw.CorruptError | apsw.NotADBError):
            self._broken = failure  # what is on disk is no longer known; only a restart finds out
        self._roll_back()
        if self._broken is not None and self._on_broken is not None:
            self._on_broken(self._broken)
        return [(job.promise, None, self._broken or failure) for job in jobs]

    def _roll_back(self) -> None:
        self._rolled_back()
        if self._connection.in_transaction:  # SQLite may have rolled back by itself
            try:
                self._connection.execute("ROLLBACK")
            except apsw.Error as error:
                self._broken = StoreError(f"the store could not roll back: {error}")


def _give(answers: list[_Answer]) -> None:
    for promise, answer, error in answers:
        if error is None:
            promise.set_result(answer)
        else:
            promise.set_exception(error)
