"""A server to measure: ``tidegate serve`` on a store of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench.api import Api
from bench.process import Process
from bench.tools import CannotMeasure

UNBOUND = ("--max-dispatches-per-second", "1000000", "--max-concurrent-dispatches", "1000000")
"""Ceilings out of the way: the benchmarks measure the server, not the limits of Cloud Tasks."""
READY = "listening on http://"


class Server(Api):
    """A running server of ours; ``process`` is it."""

    process: Process

    def stop(self) -> None:
        self.close()
        self.process.stop()


@contextlib.contextmanager
def running(command: Sequence[str], variables: Mapping[str, str] = {}) -> Iterator[Server]:
    """What this command serves, answering; stopped at the end."""
    server = start(command, variables)
    try:
        yield server
    finally:
        server.stop()


def start(command: Sequence[str], variables: Mapping[str, str] = {}) -> Server:
    """Run a command of Python's that says when it is ready and where it listens, with these variables besides ours."""
    environment = {**os.environ, **variables}
    popen = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True, env=environment)
    assert popen.stdout is not None
    line = popen.stdout.readline()
    process = Process(popen)
    if not line.startswith(READY):
        process.stop()
        raise CannotMeasure(f"python {' '.join(command)} did not start")
    return Server(line.removeprefix(READY).strip(), process)


def serve(store: Path | str) -> Sequence[str]:
    """The command that serves this store, a file or a URL."""
    url = f"sqlite:///{store}" if isinstance(store, Path) else store
    return ["-m", "tidegate", "serve", "--port", "0", "--store", url, *UNBOUND]


def serving(store: Path | str) -> contextlib.AbstractContextManager[Server]:
    return running(serve(store))


@contextlib.contextmanager
def fresh(variables: Mapping[str, str] = {}) -> Iterator[Server]:
    """A server with an empty store, which goes away with it."""
    with scratch() as folder, running(serve(folder / "tidegate.db"), variables) as server:
        yield server


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder on disk that goes away."""
    folder = Path(tempfile.mkdtemp(prefix="tidegate-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
