"""A PostgreSQL server of the tests' own: made in a second, stopped and removed with them."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from tests.kit.postgres_programs import NOBODY, programs, rights

PATIENCE = 60.0
"""Seconds that a server may take to start or stop on a busy machine."""

SETTINGS: Mapping[str, str] = {"max_connections": "50", "shared_buffers": "64MB", "max_wal_size": "256MB"}

PR_SET_PDEATHSIG = 1  # linux/prctl.h


class PostgresServer:
    """A cluster in a directory of its own, which may be stopped, killed and started again on the same port."""

    def __init__(self, place: Path, commands: Path | None = None) -> None:
        """``commands`` is the directory of the version's programs."""
        self.place = place
        self.commands = commands or programs()
        self.data = place / "data"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether its main process is there."""
        return self._process is not None and self._process.poll() is None

    def initialize(self, *more: str) -> None:
        """Make the cluster; ``more`` are options of ``initdb``."""
        arguments = ["-D", str(self.data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        self.run("initdb", *arguments, *more)
        self.configure(SETTINGS)

    def follow(self, primary: PostgresServer) -> None:
        """Make the cluster a standby of another server."""
        source = f"host=127.0.0.1 port={primary.port} user=postgres"
        self.run("pg_basebackup", "-D", self.data, "-d", source, "-X", "stream", "-c", "fast", "--no-sync", "-R")

    def promote(self) -> None:
        """Let a standby take its primary's place."""
        self.run("pg_ctl", "promote", "-D", self.data, "-t", str(round(PATIENCE)))

    def configure(self, settings: Mapping[str, str]) -> None:
        """Add settings; they hold from the next start, or reload, on."""
        with (self.data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())

    def run(self, program: str, *arguments: str | Path) -> str:
        """Run a program of this version; what it printed."""
        command = [str(self.commands / program), *map(str, arguments)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=self.place, **rights())
        printed: str = done.stdout
        assert done.returncode == 0, f"{program}: {printed}{done.stderr}"
        return printed

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [str(self.commands / "postgres"), "-D", str(self.data), "-k", str(self.place), "-p", str(self.port)]
        command += ["-h", "127.0.0.1"]
        with (self.place / "log").open("ab") as log:
            # The signal comes when the thread ends that started the child.
            main = threading.current_thread() is threading.main_thread()
            tied: Any = {"preexec_fn": _end_with_parent} if main else {}
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.place, **tied, **rights())
        self._await(self._answers, "start")

    def stop(self, mode: signal.Signals = signal.SIGINT) -> None:
        """Stop it: fast with SIGINT, at once and without a checkpoint with SIGQUIT."""
        if self._process is not None and self.runs:
            self._process.send_signal(mode)
            self._process.wait(PATIENCE)

    def kill(self) -> None:
        """``kill -9`` of the main process; the others notice and end by themselves."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(PATIENCE)

    def said(self, words: str) -> bool:
        """Whether its log has these words."""
        return words in (self.place / "log").read_text(errors="replace")

    def reload(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.place / "log").read_text()[-2000:]
        try:
            state = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        # One that was killed leaves its file, with its own process ID.
        return len(state) == 8 and state[0] == str(self.pid) and state[7].strip() in {"ready", "standby"}

    def _await(self, happened: object, what: str) -> None:
        assert callable(happened)
        end = time.monotonic() + PATIENCE
        while not happened():
            assert time.monotonic() < end, f"PostgreSQL did not {what}: {(self.place / 'log').read_text()[-2000:]}"
            time.sleep(0.01)


@contextmanager
def postgres_server(commands: Path | None = None, **settings: str) -> Iterator[PostgresServer]:
    """A running server; gone at the end."""
    with postgres_place() as place:
        server = PostgresServer(place, commands)
        server.initialize()
        server.configure(settings)
        server.start()
        try:
            yield server
        finally:
            server.stop(signal.SIGQUIT)


@contextmanager
def postgres_place() -> Iterator[Path]:
    """A directory in which PostgreSQL may write; its path is short enough for a socket's."""
    place = Path(mkdtemp(prefix="tidegate-pg-"))
    if os.getuid() == 0:
        os.chown(place, NOBODY, NOBODY)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _end_with_parent() -> None:
    """A test process that is killed takes its servers with it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)
