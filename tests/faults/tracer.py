"""``strace`` attached to a running server by a test, which changes what its system calls do."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from tests.endtoend.server import Server
from tests.endtoend.waiting import PATIENCE


class Tracer:
    """Tampers with the calls of all threads of a server, as ``strace -e inject`` says it."""

    def __init__(self, server: Server, *inject: str) -> None:
        self._log = server.directory / f"strace-{time.monotonic_ns()}.err"
        traced = ",".join(each.split(":", maxsplit=1)[0] for each in inject)
        command = ["strace", "-f", "-p", str(server.pid), "-o", "/dev/null", "-e", f"trace={traced}"]
        for each in inject:
            command += ["-e", f"inject={each}"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log)

    def __enter__(self) -> Tracer:
        give_up = time.monotonic() + PATIENCE
        while "attached" not in self._log.read_text():
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < give_up, self._log.read_text()
            time.sleep(0.01)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go: the server goes on as if nothing had been."""
        self._process.terminate()
        self._process.wait()


def may_trace() -> bool:
    """Whether this machine lets one process tamper with another."""
    if sys.platform != "linux" or shutil.which("strace") is None:
        return False
    asleep = subprocess.Popen(["sleep", "60"])
    try:
        look = ["strace", "-p", str(asleep.pid), "-o", "/dev/null"]
        tracing = subprocess.Popen(look, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        assert tracing.stderr is not None
        with tracing.stderr:
            attached = "attached" in tracing.stderr.readline()
        tracing.terminate()
        tracing.wait()
        return attached
    finally:
        asleep.kill()
        asleep.wait()


def open_files(server: Server) -> int:
    return len(list(Path(f"/proc/{server.pid}/fd").iterdir()))
