"""The default store: one SQLite file, one process, every commit synced; ``:memory:`` is the store of tests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, closing, contextmanager
from importlib import resources
from pathlib import Path
from typing import TypeVar

import apsw

from tidegate.core.names import QueueName
from tidegate.engine.ports.store import Reader, StoreError, Transaction
from tidegate.storage.commit_counts import CommitCounts
from tidegate.storage.reading import StoreReader
from tidegate.storage.sqlite.commits import Worker
from tidegate.storage.sqlite.disk_reserve import Reserve
from tidegate.storage.sqlite.owner import Owner
from tidegate.storage.sqlite.read_tables import SqliteReadTables
from tidegate.storage.sqlite.store_file import StoreFile
from tidegate.storage.sqlite.tables import SqliteTables
from tidegate.storage.transaction import StoreTransaction

T = TypeVar("T")

MEMORY = ":memory:"

SYNCHRONOUS = "FULL"
"""A commit returns once the disk has it; NORMAL would lose the last commits in a power cut."""

CACHE_KIB = 16 * 1024
"""Page cache of the writing connection. A backlog of any size is read through it."""

CHECKPOINT_PAGES = 4000
"""Pages in the write-ahead log before they move into the file: 16 MB, so that one sync serves many commits."""

APPLICATION_ID = int.from_bytes(b"Tide", "big")
"""What the header of the file says about whose it is."""

FIRST_TABLES = {"queues", "generations", "tasks", "bodies", "tombstones", "reserved_names", "documents"}
"""By these a store is known that was made before stores had the ID."""


class SqliteStore:
    """``ports.Store`` on a SQLite file: one writing thread with group commit, one reading thread beside it."""

    def __init__(
        self,
        writer: Worker[StoreTransaction],
        reader: Worker[StoreReader],
        reserve: Reserve,
        file: StoreFile,
        commits: CommitCounts,
    ) -> None:
        self.commits = commits
        self._writer = writer
        self._reader = reader
        self._reserve = reserve
        self._file = file

    @classmethod
    async def open(
        cls, path: Path, on_broken: Callable[[StoreError], None] | None = None, *, vfs: str | None = None
    ) -> SqliteStore:
        """Open the store, making or migrating its tables; ``vfs`` names the way to the disk, for tests that fail it.

        ``on_broken`` is called, from another thread, when the disk fails under it, the file is removed, moved or
        replaced, or another server has opened it: nothing is acknowledged after that, and only opening the store anew
        tells what was kept.

        Raises LockedError when another process has it open, StoreError when it is no store or cannot be opened.
        """
        with ExitStack() as taken:  # given back unless all goes well
            file = StoreFile.take(path)
            taken.callback(file.close)
            named, path = path, file.path
            reserve = Reserve(path.parent)
            try:
                connection = taken.enter_context(closing(_connect(path, vfs=vfs)))
                _migrate(connection)
                connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
                reading = taken.enter_context(closing(_connect(path, read_only=True, vfs=vfs)))
                transaction = StoreTransaction(SqliteTables(connection), reserve.has_room)
                owner = Owner(connection)
                file.watch()
            except (apsw.Error, OSError) as error:
                raise StoreError(
                    f"cannot open the store {named}: {error}; check that file or name another --store"
                ) from error
            taken.pop_all()
        commits = CommitCounts()
        writer = Worker(
            "tidegate-writer",
            connection,
            transaction,
            begin=owner.begin,
            guard=file.check,
            on_broken=on_broken,
            make_room=lambda: _make_room(connection, path, reserve),
            rolled_back=transaction.rolled_back,
            counts=commits,
        )
        reader = Worker(
            "tidegate-reader",
            reading,
            StoreReader(SqliteReadTables(reading)),
            begin=lambda: _begin(reading),
            on_broken=on_broken,
        )
        return cls(writer, reader, reserve, file, commits)

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
        done: T = await self._writer.submit(work)
        return done

    async def close(self) -> None:
        await self._reader.close()
        await self._writer.close()
        self._reserve.give_up()
        self._file.close()


class MemoryStore:
    """``ports.Store`` in memory: each transaction runs at once, where it is called. Nothing outlives the process."""

    def __init__(self) -> None:
        self._connection = apsw.Connection(MEMORY)
        _configure(self._connection)
        _migrate(self._connection)
        self._transaction = StoreTransaction(SqliteTables(self._connection))

    async def read(self, look: Callable[[Reader], T]) -> T:
        return look(self._transaction)

    async def write(
        self,
        work: Callable[[Transaction], T],
        *,
        holds: Collection[QueueName] = (),
        changes: Collection[QueueName] = (),
    ) -> T:
        self._connection.execute("BEGIN")
        try:
            done = work(self._transaction)
        except BaseException:
            self._connection.execute("ROLLBACK")
            self._transaction.rolled_back()
            raise
        self._connection.execute("COMMIT")
        return done

    async def close(self) -> None:
        self._connection.close()


def check(path: Path) -> list[str]:
    """What SQLite's own check finds wrong in a store; empty when it is sound. Works beside a running server.

    Raises StoreError when there is no such file or it is no store.
    """
    with reading(path) as connection:
        found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
    return [] if found == ["ok"] else found


@contextmanager
def reading(path: Path) -> Iterator[apsw.Connection]:
    """A connection that reads a store, beside the server that may have it. Raises StoreError."""
    if not path.exists():
        raise StoreError(f"there is no store at {path}")
    try:
        with closing(_connect(path, read_only=True)) as connection:
            yield connection
    except apsw.Error as error:
        raise StoreError(f"cannot read the store {path}: {error}") from error


def _connect(path: Path, *, read_only: bool = False, vfs: str | None = None) -> apsw.Connection:
    flags = apsw.SQLITE_OPEN_READONLY if read_only else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    connection = apsw.Connection(str(path), flags=flags, vfs=vfs, statementcachesize=200)
    try:
        connection.set_busy_timeout(5000)
        is_empty = _is_empty(connection, path)  # before the journal of what is not ours would be changed
        if read_only and is_empty:
            raise StoreError(f"{path} is empty; 'tidegate serve' makes a store in it")
        if not read_only:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS}")
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        _configure(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _is_empty(connection: apsw.Connection, path: Path) -> bool:
    """Whether there is no store yet, nor anything else. Raises StoreError when it is another program's database."""
    owner, steps = connection.pragma("application_id"), connection.pragma("user_version")
    if owner == APPLICATION_ID:
        return False
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
    if (owner, steps) == (0, 0) and not names:
        return True
    if owner == 0 and steps > 0 and names >= FIRST_TABLES:
        return False
    raise StoreError(f"{path} is another program's database; name another store")


def _configure(connection: apsw.Connection) -> None:
    """What all our connections have in common."""
    connection.execute("PRAGMA temp_store = MEMORY")
    # Else a statement that compares a column with a value is prepared anew each time, in case another plan suits the
    # value better. Measured: 10 to 45 us, more than reading five tasks takes.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)


def _make_room(connection: apsw.Connection, path: Path, reserve: Reserve) -> bool:
    """Free what can be freed: the reserve, and with the room that it had the write-ahead log, whose pages move into the
    file. From then on removals need none but the log's, which is freed again whenever the disk is full.
    """
    gave_up = reserve.give_up()
    log = Path(f"{path}-wal")
    before = log.stat().st_size
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except apsw.FullError:
        return gave_up
    return gave_up or log.stat().st_size < before


def _migrate(connection: apsw.Connection) -> None:
    """Bring the tables up to date, ``user_version`` counts the steps already taken; then the file is known as ours."""
    steps = sorted(
        (
            step
            for step in resources.files("tidegate.storage.sqlite.migrations").iterdir()
            if step.name.endswith(".sql")
        ),
        key=lambda step: step.name,
    )
    (taken,) = connection.execute("PRAGMA user_version").fetchone()  # type: ignore[misc]
    if taken > len(steps):
        raise StoreError(f"the store is from a newer tidegate (step {taken}, this one knows {len(steps)}); upgrade")
    for number, step in enumerate(steps[taken:], taken + 1):
        with connection:
            connection.execute(step.read_text())
            connection.execute(f"PRAGMA user_version = {number}")
    if connection.pragma("application_id") != APPLICATION_ID:
        connection.pragma("application_id", APPLICATION_ID)


def _begin(connection: apsw.Connection) -> None:
    connection.execute("BEGIN")
