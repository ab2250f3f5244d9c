"""Three nodes whose database has no room for data; in the long form only, for it takes the right to mount."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.endtoend.waiting import eventually
from tests.kit.figures import note
from tests.kit.postgres_programs import NOBODY
from tests.kit.postgres_server import PostgresServer, postgres_server
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
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}m,uid={NOBODY},gid={NOBODY},mode=700", "tmpfs", str(place)]
    subprocess.run(mount, check=True)
    for each in (place, *place.parents):
        if each != Path("/"):
            each.chmod(each.stat().st_mode | 0o011)  # PostgreSQL does not run as root
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


def test_a_full_disk_refuses_what_is_new_and_loses_nothing(three: Trio, small_disk: Path) -> None:
    refused: list[int] = []

    def refusals() -> int:
        return sum(getattr(entry, "code", "") == "RESOURCE_EXHAUSTED" for entry in list(three.callers.entries))

    def meanwhile() -> None:
        filler = small_disk / "filler"
        three.note("the disk is full")
        with filler.open("wb") as file:
            try:
                while True:
                    file.write(bytes(1 << 16))
                    file.flush()
            except OSError:
                pass
        eventually("creates are refused", lambda: refusals() > 10)
        time.sleep(SECONDS)
        filler.unlink()
        three.note("there is room")
        refused.append(refusals())

    three.callers.work(THREADS, SECONDS, meanwhile)
    history = three.check()
    note("nodes: the disk is full", tasks=len(three.callers.made), refused=refused[0], twice=twice(history))
    assert twice(history) == 0
