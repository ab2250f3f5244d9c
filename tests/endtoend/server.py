"""``tidegate serve`` in a process of its own: start, kill, stop and start again, on one file and one port."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from types import TracebackType

from tests.endtoend.waiting import PATIENCE

READY = re.compile(r"^listening on (http://127\.0\.0\.1:(\d+))$", re.MULTILINE)


class Server:
    """One server after another: the same store, the same port, each life with its own output files.

    The test holds the port from the start (bound, not listening; Linux lets the server bind beside it), so that no
    outgoing connection of this machine takes it while the server is down.
    """

    def __init__(self, directory: Path, *flags: str) -> None:
        self.directory = directory
        self.flags = flags
        self.life = 0
        self.started_at: list[float] = []
        """When each life began, on the monotonic clock."""
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper = socket.socket()
        self._keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._keeper.bind(("127.0.0.1", 0))
        self.port: int = self._keeper.getsockname()[1]
        if sys.platform != "linux":
            self._keeper.close()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._running().pid

    @property
    def store(self) -> Path:
        return self.directory / "tidegate.db"

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._keeper.close()
        if error is not None:
            sys.stderr.write(self.output())

    def start(self) -> Server:
        """Start the next life and wait until it answers calls."""
        self.spawn()
        self.wait_ready()
        return self

    def spawn(self) -> None:
        """Start the next life and do not wait for it."""
        assert self._process is None, "the last life has not ended"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TIDEGATE_")}
        self.started_at.append(time.monotonic())
        with self._file("out").open("wb") as out, self._file("err").open("wb") as err:
            self._process = subprocess.Popen(
                self.command(), stdout=out, stderr=err, cwd=self.directory, env=environment
            )

    def command(self) -> list[str]:
        """What starts a life; it may come to ``tidegate serve`` by way of others, if those go on as it."""
        command = [sys.executable, "-m", "tidegate", "serve", "--port", str(self.port)]
        return [*command, "--store", f"sqlite:///{self.store}", *self.flags]

    def wait_ready(self) -> None:
        """Wait for the line that says where it listens."""
        give_up = time.monotonic() + PATIENCE
        while (ready := READY.search(self._file("out").read_text())) is None:
            assert self._running().poll() is None, (
                f"the server ended with {self._running().returncode}\n{self.output()}"
            )
            assert time.monotonic() < give_up, f"the server never said that it listens\n{self.output()}"
            time.sleep(0.01)
        assert int(ready.group(2)) == self.port

    def kill(self) -> None:
        """``kill -9``, if it runs at all; returns when the process is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._end()

    def stop(self) -> int:
        """SIGTERM; returns the exit code when the process is gone."""
        self.ask_to_stop()
        return self.wait()

    def wait(self) -> int:
        """The exit code, when the process has ended by itself."""
        code = self._running().wait(PATIENCE)
        self._end()
        return code

    def ask_to_stop(self) -> None:
        """SIGTERM, and do not wait."""
        self._running().send_signal(signal.SIGTERM)

    def ready(self) -> bool:
        """What ``/readyz`` says."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        with closing(connection):
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200

    def output(self) -> str:
        """All that the lives so far have said on stderr."""
        return "".join(file.read_text() for file in sorted(self.directory.glob("life-*.err")))

    def complaints(self) -> list[str]:
        """Lines of that which should never be there."""
        return [
            line for line in self.output().splitlines() if re.search(r"Traceback| ERROR | CRITICAL |failed here", line)
        ]

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the server does not run"
        return self._process

    def _end(self) -> None:
        self._process = None
        self.life += 1

    def _file(self, kind: str) -> Path:
        return self.directory / f"life-{self.life:03}.{kind}"
