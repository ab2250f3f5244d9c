"""A ``tidegate serve`` as a process beside the tests, for unittest and scripts."""

from __future__ import annotations

import os
import subprocess
import sys
from types import TracebackType
from typing import Any, Self

import tidegate as package

READY = "listening on http://"


class Server:
    """A server in a process of its own, in memory, with what ``--dev`` turns on.

        with Server() as server:
            client = server.client()

    ``arguments`` are further ones for ``tidegate serve``. It starts in about a second. With ``address``, ``HOST:PORT``,
    it is the server that answers there already, which is neither started nor stopped.
    """

    def __init__(self, *arguments: str, address: str = "") -> None:
        self._arguments = arguments
        self._is_given = bool(address)
        self._process: subprocess.Popen[str] | None = None
        self.address = address
        """``127.0.0.1:PORT`` while it runs."""

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``."""
        return f"http://{self.address}"

    def start(self) -> Self:
        """Start it, and wait until it answers. Raises RuntimeError when it does not; its words are on stderr."""
        if self._is_given or self._process is not None:
            return self
        command = [sys.executable, "-m", "tidegate", "serve", "--port", "0", "--dev", "--store", "sqlite://:memory:"]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TIDEGATE_")}
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter
            [*command, *self._arguments], stdout=subprocess.PIPE, text=True, env=kept
        )
        assert self._process.stdout is not None  # noqa: S101 - a pipe
        line = self._process.stdout.readline()
        if not line.startswith(READY):
            self.stop()
            raise RuntimeError("tidegate serve did not start; what it says is on stderr")
        self.address = line.removeprefix(READY).strip()
        return self

    def stop(self) -> None:
        """Stop it; attempts under way may end."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None

    def client(self, version: str = "v2") -> Any:
        """A client of this server: ``tidegate.tasks_v2.CloudTasksClient``, which has the names of Google's."""
        return package.connect(self.address, version=version)  # type: ignore[call-overload]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
