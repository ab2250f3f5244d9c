"""One connection to PostgreSQL that is made anew whenever it breaks."""

from __future__ import annotations

import logging
import random
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import psycopg
from msgspec.structs import replace

from tidegate.settings.stores import PostgresUrl
from tidegate.storage.postgres.connecting import LOST_STATEMENTS, Connection, connect, one_line

logger = logging.getLogger(__name__)

FIRST_PAUSE: Final = 0.05
LONGEST_PAUSE: Final = 1.0
"""Seconds between two tries to connect, and some at random."""


class WrongServerError(psycopg.OperationalError):
    """There is a server, but not the one to write to."""


class Timelines:
    """Remembers the newest timeline that any connection has seen. After a switch-over the old primary, should it come
    back, is on an older one: what is written there is lost.
    """

    def __init__(self) -> None:
        self.newest = -1
        self.switches = 0
        """How often another server has taken the place of the one before."""

    def check(self, connection: Connection) -> None:
        """Raises WrongServerError on an older timeline, or on a standby."""
        row = connection.execute("SELECT pg_is_in_recovery()").fetchone()
        if row == (True,):
            raise WrongServerError("the server is a standby, which cannot be written to")
        try:
            row = connection.execute("SELECT pg_walfile_name(pg_current_wal_lsn())").fetchone()
        except psycopg.Error:
            if connection.closed:
                raise
            return  # some services do not tell
        assert row is not None  # noqa: S101 - a SELECT without FROM has a row
        timeline = int(row[0][:8], 16)
        if timeline < self.newest:
            raise WrongServerError("the server is an old primary: another one has taken its place")
        self.switches += 0 <= self.newest < timeline
        self.newest = timeline


class Link:
    """A connection of one thread. ``connected`` is called in it with each new connection, before anything else is."""

    def __init__(
        self, url: PostgresUrl, application: str, timelines: Timelines, connected: Callable[[Connection], None]
    ) -> None:
        self._url = url
        self._application = application
        self._timelines = timelines
        self._connected = connected
        self._connection: Connection | None = None
        self._pause = FIRST_PAUSE
        self._closing = threading.Event()
        self._complained = False
        self._shuffled = False

    @property
    def connection(self) -> Connection:
        """The connection of now. Only while ``connect`` has succeeded and ``is_broken`` is false."""
        assert self._connection is not None  # noqa: S101
        return self._connection

    def use(self, connection: Connection) -> None:
        """Begin with a connection that is there already."""
        self._connection = connection  # from here on somebody watches whether it answers
        self._timelines.check(connection)
        self._connected(connection)

    @property
    def is_up(self) -> bool:
        return self._connection is not None and not self._connection.closed and not self._connection.broken

    def connect(self) -> bool:
        """Connect, unless the link is up; whether it is. After a failure waits before it answers."""
        if self.is_up:
            return True
        self.drop()
        try:
            connection = connect(self._url, application=self._application, shuffled=self._shuffled)
            try:
                self.use(connection)
            except BaseException:
                self._connection = None
                connection.close()
                raise
        except psycopg.Error as error:
            # The first of several hosts may be an old primary for as long as it runs.
            self._shuffled = isinstance(error, WrongServerError)
            if isinstance(error, LOST_STATEMENTS):
                self.without_prepared()
            if not self._complained:
                logger.warning("cannot reach PostgreSQL: %s; trying again until it answers", one_line(self._url, error))
                self._complained = True
            self._closing.wait(self._pause * random.uniform(0.5, 1))  # noqa: S311 - so that nodes do not knock as one
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
            return False
        if self._complained:
            logger.warning("PostgreSQL answers again")
        self._complained = False
        self._pause = FIRST_PAUSE
        return True

    def without_prepared(self) -> None:
        """From the next connection on prepare nothing: a pooler between us and the server loses statements."""
        if self._url.prepare:
            logger.warning("prepared statements get lost on the way to PostgreSQL; add prepare=off to the URL")
            self._url = replace(self._url, prepare=False)
        self.drop()

    def drop(self) -> None:
        """Forget the connection."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None

    def cut(self) -> None:
        """Break the connection from another thread: whoever waits for an answer on it gets an error."""
        connection = self._connection
        if connection is None or connection.closed:
            return
        with suppress(OSError, psycopg.Error), socket.socket(fileno=connection.fileno()) as watched:
            try:
                watched.shutdown(socket.SHUT_RDWR)
            finally:
                watched.detach()

    @property
    def switches(self) -> int:
        """How often another server has taken the place of the one before."""
        return self._timelines.switches

    @property
    def waiting_since(self) -> float | None:
        """When the question that waits for its answer was asked; None when none does."""
        connection = self._connection
        return None if connection is None else connection.waiting_since

    def end(self) -> None:
        """Wait no more between tries; from another thread."""
        self._closing.set()
