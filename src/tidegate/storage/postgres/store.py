"""``ports.Store`` on PostgreSQL: a connection that writes, one that reads, one that beats."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import TypeVar

import psycopg

from tidegate.core.names import QueueName
from tidegate.engine.ports.store import Reader, StoreError, Transaction
from tidegate.engine.ports.store_figures import StoreFigures
from tidegate.settings.stores import PostgresUrl
from tidegate.storage.commit_counts import CommitCounts
from tidegate.storage.postgres.checks import check_server
from tidegate.storage.postgres.commits import Commits
from tidegate.storage.postgres.connecting import Connection, connect, one_line
from tidegate.storage.postgres.figures import figures
from tidegate.storage.postgres.ledger import Ledger
from tidegate.storage.postgres.link import Link, Timelines
from tidegate.storage.postgres.membership import PostgresMembership, Statements
from tidegate.storage.postgres.read_tables import PostgresReadTables
from tidegate.storage.postgres.reader import PostgresReader
from tidegate.storage.postgres.reads import Reads
from tidegate.storage.postgres.statements import CLOCK
from tidegate.storage.postgres.steps import check_whole, is_current, take
from tidegate.storage.postgres.tables import PostgresTables
from tidegate.storage.postgres.transaction import PostgresTransaction
from tidegate.storage.postgres.worker import Worker

T = TypeVar("T")


class PostgresStore:
    """A store that any number of nodes share. ``membership`` is this node's part in it: it writes once it joined."""

    def __init__(
        self,
        url: PostgresUrl,
        now: Callable[[], int],
        sampled: Callable[[int], None],
        checked: Connection,
    ) -> None:
        timelines, ledger = Timelines(), Ledger()
        self._tables = PostgresTables(ledger, now)
        transaction = PostgresTransaction(self._tables)
        read_tables = PostgresReadTables(ledger)
        self._unsure = 0
        self.commits = CommitCounts()
        self._commits = Commits(transaction, sampled, self.commits)
        writing = Link(url, "tidegate writer", timelines, self._commits.connected)
        reading = Link(url, "tidegate reader", timelines, read_tables.on.use)
        beating = Link(url, "tidegate beat", timelines, _as_it_is)

        def timely() -> Connection:
            connection = connect(url, application="tidegate fence")
            try:
                timelines.check(connection)
            except BaseException:
                connection.close()
                raise
            return connection

        self._commits.link = writing
        writing.use(checked)
        sampled(_clock_of(checked))
        self._ledger = ledger
        self._writer = Worker("tidegate-writer", writing, self._commits, self._give_back)
        self._reader = Worker("tidegate-reader", reading, Reads(reading, PostgresReader(read_tables)))
        self._beats = Worker("tidegate-beats", beating, Statements(beating))
        self.membership = PostgresMembership(
            self._beats,
            self._joined,
            lambda: self._commits.settled,
            self._now,
            self._publish,
            timely,
            lambda: timelines.switches + self._unsure,
        )

    @classmethod
    async def open(cls, url: PostgresUrl, now: Callable[[], int], sampled: Callable[[int], None]) -> PostgresStore:
        """Connect, check the server, and take the steps that are missing.

        ``now`` says the engine's time, ``sampled`` is told the database's, both in microseconds. Raises StoreError with
        the cause and its cure.
        """
        checked = await asyncio.to_thread(partial(_checked, url))
        return cls(url, now, sampled, checked)

    @property
    def is_away(self) -> bool:
        """Whether the database has not been there for longer than calls wait."""
        return self.away_for is not None

    @property
    def away_for(self) -> float | None:
        """For how many seconds the database has not been there, or its tables have been too new for this version; None
        while calls are answered or wait for it.
        """
        workers = (self._writer, self._reader, self._beats)
        away = [worker.away_for for worker in workers if worker.is_away]
        if self.membership.outdated_since is not None:
            away.append(time.monotonic() - self.membership.outdated_since)
        return max(away, default=None)

    def _now(self) -> int:
        return self._tables.now()

    def go_by(self, now: Callable[[], int]) -> None:
        """Let tasks stand in line by another time, in microseconds: one that can be moved."""
        self._tables.now = now

    async def read(self, look: Callable[[Reader], T]) -> T:
        found: T = await self._reader.submit(look)
        return found

    async def write(
        self,
        work: Callable[[Transaction], T],
        *,
        holds: Collection[QueueName] = (),
        changes: Collection[QueueName] = (),
    ) -> T:
        done: T = await self._writer.submit(work, holds, changes)
        return done

    async def figures(self) -> StoreFigures:
        """How the database fares. Raises StoreError."""
        due = self._tables.due_seconds
        found: StoreFigures = await self._reader.submit(lambda reader: figures(reader.tables.on, due))
        return found

    async def close(self) -> None:
        for worker in (self._reader, self._writer, self._beats):
            await worker.close()

    def _joined(self, node: int) -> None:
        self._ledger.forget()
        self._tables.node = node

    async def _publish(self) -> None:
        await self._writer.submit(PostgresTransaction.publish)

    def _give_back(self, started: Sequence[tuple[int, int]]) -> None:
        def work(transaction: PostgresTransaction) -> None:
            transaction.give_back(started)

        self._writer.submit(work).add_done_callback(self._gave_back)

    def _gave_back(self, done: asyncio.Future[None]) -> None:
        """Have what could not be given back looked for; after this node's end others see to it."""
        if done.exception() is not None:
            self._unsure += 1


def _clock_of(connection: Connection) -> int:
    ((now,),) = connection.execute(CLOCK).fetchall()
    return int(now)


def _as_it_is(connection: Connection) -> None:
    """Nothing is to be done with a new connection."""


def _checked(url: PostgresUrl) -> Connection:
    try:
        connection = connect(url, application="tidegate writer")
    except psycopg.Error as error:
        raise StoreError(f"cannot reach the store {url}: {one_line(url, error)}") from None
    try:
        if not is_current(connection):
            take(connection, url.schema)
            connection.close()
            connection = connect(url, application="tidegate writer")
        check_server(connection, may_set=url.prepare)
        check_whole(connection)
    except psycopg.Error as error:
        connection.close()
        raise StoreError(f"cannot use the store {url}: {one_line(url, error)}") from None
    except BaseException:
        connection.close()
        raise
    return connection
