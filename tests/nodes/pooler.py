"""PgBouncer in transaction mode between nodes and their database."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from tests.kit.postgres_programs import rights
from tests.kit.postgres_server import PATIENCE, PostgresServer, free_port, postgres_place

DOCUMENT = Path(__file__).parents[2] / "docs" / "postgresql.md"
POOL = 6
"""Connections to the database: fewer than three nodes have to the pooler."""


def program() -> str | None:
    """Where it is installed, None where it is not."""
    return shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")


class Pooler:
    """A PgBouncer that may be killed and started again on the same port."""

    def __init__(self, database: PostgresServer, place: Path) -> None:
        self.port = free_port()
        self._place = place
        self._process: subprocess.Popen[bytes] | None = None
        (place / "pgbouncer.ini").write_text(
            f"[databases]\npostgres = host=127.0.0.1 port={database.port} dbname=postgres user=postgres\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\nauth_type = any\n"
            f"pool_mode = transaction\ndefault_pool_size = {POOL}\nmax_client_conn = 100\n"
            f"logfile = {place}/pgbouncer.log\n"
        )

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it, and wait until a connection through it answers."""
        command = [program() or "pgbouncer", "--quiet", str(self._place / "pgbouncer.ini")]
        self._process = subprocess.Popen(command, cwd=self._place, **rights())
        end = time.monotonic() + PATIENCE
        while True:
            assert self._process.poll() is None, "PgBouncer ended"
            try:
                psycopg.connect(self.url).close()
            except psycopg.OperationalError:
                assert time.monotonic() < end, "PgBouncer does not answer"
                time.sleep(0.02)
            else:
                return

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(PATIENCE)


@contextmanager
def pooler(database: PostgresServer) -> Iterator[Pooler]:
    """One that runs."""
    with postgres_place() as place:
        between = Pooler(database, place)
        between.start()
        try:
            yield between
        finally:
            between.kill()


def set_for_the_role(database: PostgresServer) -> None:
    """What the documentation has operators set for the role behind a pooler."""
    found = re.findall(r"^ALTER ROLE serving SET .*;$", DOCUMENT.read_text(), re.MULTILINE)
    assert len(found) > 5, "the documentation has changed"
    with psycopg.connect(database.url, autocommit=True) as connection:
        for line in found:
            connection.execute(line.replace("serving", "postgres").encode())
