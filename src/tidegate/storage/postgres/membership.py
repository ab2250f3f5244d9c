"""Lives of nodes: rows by which others see that a node beats, and a row by which they end it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import psycopg

from tidegate import __version__
from tidegate.engine.ports.membership import Joined, Member
from tidegate.engine.ports.store import FencedError, StoreError
from tidegate.storage.postgres import statements as sql
from tidegate.storage.postgres.commits import LANE
from tidegate.storage.postgres.connecting import Connection, run
from tidegate.storage.postgres.link import Link
from tidegate.storage.postgres.rings import spent_ring
from tidegate.storage.postgres.steps import may_go_on
from tidegate.storage.postgres.worker import Answer, Job, LostError, Runner, Worker, is_lost, one_by_one

RING_PATIENCE: Final = "100ms"
"""For TRUNCATE, which waits for readers, and others wait behind it."""


class Statements(Runner):
    """Runs each job on the connection by itself; its statements are their own transactions unless it begins one."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def run(self, jobs: list[Job]) -> list[Answer]:
        return one_by_one(self._run, jobs)

    def _run(self, jobs: list[Job]) -> list[Answer]:
        (job,) = jobs
        connection = self._link.connection
        try:
            return [Answer(job, job.work(connection))]
        except psycopg.Error as error:
            if is_lost(error, self._link):
                raise LostError(jobs) from error
            return [Answer(job, None, StoreError(f"the store could not be asked: {' '.join(str(error).split())}"))]
        except BaseException as error:
            return [Answer(job, None, error)]


class OutdatedError(FencedError):
    """The tables were changed by a newer version, beside which this one may not go on: its life ends."""


class PostgresMembership:
    """``ports.Membership``, on a connection of its own."""

    alone = False

    def __init__(
        self,
        worker: Worker,
        joined: Callable[[int], None],
        settled: Callable[[], int],
        now: Callable[[], int],
        publish: Callable[[], Awaitable[None]],
        connect: Callable[[], Connection],
        switches: Callable[[], int],
    ) -> None:
        """``connect`` makes a connection for one fence. ``joined`` is told the number of each new life; ``settled``
        says up to which transaction nobody will ask; ``publish`` writes what a node has to write before it leaves;
        ``switches`` says how often another server has taken the place of the one before.
        """
        self._publish = publish
        self._connect = connect
        self._switches = switches
        self.outdated_since: float | None = None
        """Since when, by ``time.monotonic``, the tables are too new for this version."""
        self._worker = worker
        self._joined = joined
        self._settled = settled
        self._now = now
        self._node = 0

    @property
    def switches(self) -> int:
        return self._switches()

    async def join(self, name: str) -> Joined:
        joined: Joined = await self._timely(lambda connection: _join(connection, name))
        self._node = joined.node
        self._joined(joined.node)
        return joined

    async def beat(self) -> Sequence[Member]:
        node, settled, now = self._node, self._settled(), self._now()
        members: Sequence[Member] = await self._timely(lambda connection: _beat(connection, node, settled, now))
        return members

    async def _timely(self, work: Callable[[Connection], Any]) -> Any:
        """Note whether this version is too old for the tables."""
        try:
            answer = await self._worker.submit(work)
        except OutdatedError:
            if self.outdated_since is None:
                self.outdated_since = time.monotonic()
            raise
        self.outdated_since = None
        return answer

    async def fence(self, member: Member) -> bool:
        """On a connection of its own: it waits for a transaction that the node has begun, and beats must not."""
        return await asyncio.to_thread(self._fence, member)

    def _fence(self, member: Member) -> bool:
        try:
            with self._connect() as connection:
                return _fence(connection, member)
        except psycopg.Error as error:
            raise StoreError(f"the store could not be asked: {' '.join(str(error).split())}") from error

    async def leave(self) -> None:
        node = self._node
        with suppress(FencedError):
            await self._publish()
        await self._worker.submit(lambda connection: _leave(connection, node))


def _rows(connection: Connection, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    return connection.execute(statement, values, binary=True).fetchall()


def _write(connection: Connection, statement: str, *values: Any) -> int:
    return connection.execute(statement, values).rowcount


def _check_version(connection: Connection) -> None:
    ((oldest,),) = _rows(connection, sql.OLDEST)
    if not may_go_on(oldest):
        raise OutdatedError(f"the store's tables need tidegate {oldest} or later; this is {__version__}: upgrade")


def _join(connection: Connection, name: str) -> Joined:
    _check_version(connection)
    with connection.transaction():
        ((node,),) = _rows(connection, sql.JOIN, name, __version__)
        _write(connection, sql.ADD_WRITER, node, LANE)
        namesakes = [each for (each,) in _rows(connection, sql.NAMESAKES, name, node)]
        for each in namesakes:
            _write(connection, sql.FENCE_ANYHOW, each)
            _write(connection, sql.DROP_WRITER, each)
    return Joined(node, namesakes)


def _beat(connection: Connection, node: int, settled: int, now: int) -> Sequence[Member]:
    if not _write(connection, sql.BEAT, node):
        raise FencedError("this node was taken for dead")
    _check_version(connection)
    _write(connection, sql.FORGET_COMMITS, node, settled)
    _empty_ring(connection, spent_ring(now))
    return [Member(*row) for row in _rows(connection, sql.NODES)]


def _fence(connection: Connection, member: Member) -> bool:
    with connection.transaction():
        if not _write(connection, sql.FENCE_NODE, member.node, member.beats):
            found = _rows(connection, sql.NODE_IS_FENCED, member.node)
            return found == [(True,)]
        _write(connection, sql.DROP_WRITER, member.node)
    return True


def _leave(connection: Connection, node: int) -> None:
    with connection.transaction():
        for statement in (sql.DROP_WRITER, sql.DROP_COMMITS, sql.DROP_NODE):
            _write(connection, statement, node)


def _empty_ring(connection: Connection, ring: int) -> None:
    """Empty the partition of tombstones whose time is over, unless somebody reads it."""
    if not _rows(connection, sql.RING_IS_USED.format(ring=ring)):
        return
    try:
        with connection.transaction():
            run(connection, f"SET LOCAL lock_timeout = '{RING_PATIENCE}'")
            run(connection, f"TRUNCATE tombstones_{ring}")
    except psycopg.errors.LockNotAvailable:
        return  # later
