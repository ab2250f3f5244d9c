"""Three nodes whose database has no room for data, or for its log.

In the long form only, for it takes the right to mount.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from tests.endtoend.waiting import eventually
from tests.invariants.history import Answered
from tests.kit.figures import note
from tests.kit.postgres_programs import NOBODY
from tests.kit.postgres_server import PostgresServer, postgres_place, postgres_server
from tests.nodes.outcomes import twice
from tests.nodes.test_failures import SECONDS, THREADS, WHOLE
from tests.nodes.trio import Trio, trio

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif(not WHOLE, reason="a part of the long form: make nodes"),
    pytest.mark.skipif(os.getuid() != 0, reason="only root may mount a small file system"),
]

SIZE = 24
"""MiB of the file system."""


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system that PostgreSQL may write to."""
    with postgres_place() as home:
        place = home / "small"
        place.mkdir()
        options = f"size={SIZE}m,uid={NOBODY},gid={NOBODY},mode=700"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], check=True)
        try:
            yield place
        finally:
            subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def database(small_disk: Path) -> Iterator[PostgresServer]:
    """Its tables are on the small disk, its log is not."""
    data = small_disk / "data"
    data.mkdir(mode=0o700)
    os.chown(data, NOBODY, NOBODY)
    with postgres_server() as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(f"CREATE TABLESPACE small LOCATION '{data}'".encode())
            connection.execute("ALTER DATABASE postgres SET default_tablespace = small")
        yield server


@pytest.fixture
def three(database: PostgresServer, tmp_path: Path) -> Iterator[Trio]:
    with trio(tmp_path, database, database.url) as three:
        yield three


def fill(place: Path) -> Path:
    """Leave no room there; the file that took it."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(1 << 16)) == 1 << 16:
            pass
    return filler


def test_a_full_disk_refuses_what_is_new_and_loses_nothing(three: Trio, small_disk: Path) -> None:
    refused: list[int] = []

    def refusals() -> int:
        return sum(getattr(entry, "code", "") == "RESOURCE_EXHAUSTED" for entry in list(three.callers.entries))

    def meanwhile() -> None:
        three.note("the disk is full")
        filler = fill(small_disk)
        eventually("creates are refused", lambda: refusals() > 10)
        time.sleep(SECONDS)
        filler.unlink()
        three.note("there is room")
        refused.append(refusals())

    three.callers.work(THREADS, SECONDS, meanwhile)
    history = three.check()
    note("nodes: the disk is full", tasks=len(three.callers.made), refused=refused[0], twice=twice(history))
    assert twice(history) == 0


@pytest.fixture
def logged_on_it(small_disk: Path) -> Iterator[PostgresServer]:
    """A database whose log is on the small disk, its tables are not."""
    with postgres_place() as place:
        server = PostgresServer(place)
        server.initialize("--waldir", str(small_disk / "log"), "--wal-segsize", "1")
        server.configure({"min_wal_size": "2MB", "max_wal_size": "8MB"})
        server.start()
        try:
            yield server
        finally:
            server.stop(signal.SIGQUIT)


def test_a_full_disk_under_the_log_stops_the_nodes_until_there_is_room(
    logged_on_it: PostgresServer, small_disk: Path, tmp_path: Path
) -> None:
    def meanwhile() -> None:
        three.note("the disk under the log is full")
        filler = fill(small_disk)
        eventually("no node is ready", lambda: not any(node.ready() for node in three.nodes))
        time.sleep(SECONDS)
        filler.unlink()
        three.note("there is room")
        eventually("every node serves", they_serve)

    def they_serve() -> bool:
        if not logged_on_it.runs:  # it gives up where it cannot even recover
            logged_on_it.start()
        return all(node.ready() for node in three.nodes)

    with trio(tmp_path, logged_on_it, logged_on_it.url) as three:
        three.callers.work(THREADS, SECONDS, meanwhile)
        history = three.check()
        codes = {entry.code for entry in three.callers.entries if isinstance(entry, Answered)}
        unanswered = three.callers.failed
    note("nodes: the disk under the log is full", tasks=len(three.callers.made), unanswered=unanswered)
    assert unanswered > 0
    assert codes <= {"OK", "UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "ALREADY_EXISTS", "NOT_FOUND"}
    assert twice(history) == 0
