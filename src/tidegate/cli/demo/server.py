"""The demo's server: a child process on a free port, with its store in a temporary directory."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from tidegate.operator_errors import OperatorError

READY = "listening on "
READY_WITHIN = 60.0  # seconds
STOPPED_WITHIN = 10.0
LOG_LINES = 8  # of its log, when it fails


class DemoServer:
    """``tidegate serve`` while the block lasts; ``url`` is where it answers, ``exit_code`` what it ended with."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.url = ""
        self.exit_code: int | None = None

    async def __aenter__(self) -> Self:
        arguments = ["serve", "--port", "0", "--store", f"sqlite:///{self._directory / 'demo.db'}", "--drain", "2s"]
        with (self._directory / "server.log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tidegate",
                *arguments,
                cwd=self._directory,  # no tidegate.toml there
                env={name: value for name, value in os.environ.items() if not name.startswith("TIDEGATE_")},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us; we stop the server ourselves
            )
        try:
            self.url = await asyncio.wait_for(self._ready(), READY_WITHIN)
        except BaseException as error:
            await self._stop()
            if isinstance(error, TimeoutError):
                raise OperatorError(f"the server was not ready within {READY_WITHIN:.0f} s{self.log}") from None
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    @property
    def log(self) -> str:
        """The end of what it wrote to stderr, on lines of its own; empty when it wrote nothing."""
        lines = (self._directory / "server.log").read_text(errors="replace").strip().splitlines()
        return "\n".join([":", *lines[-LOG_LINES:]]) if lines else ""

    async def _ready(self) -> str:
        if self._process.stdout is None:  # never: it is a pipe
            raise OperatorError("the server has no output")
        while line := (await self._process.stdout.readline()).decode().strip():
            if line.startswith(READY):
                return line.removeprefix(READY)
        raise OperatorError(f"the server did not start{self.log}")

    async def _stop(self) -> None:
        """Stop it with SIGTERM, or with SIGKILL if it does not end."""
        if self.alive:
            self._process.send_signal(signal.SIGTERM)
        try:
            self.exit_code = await asyncio.wait_for(self._process.wait(), STOPPED_WITHIN)
        except TimeoutError:
            self._process.kill()
            self.exit_code = await self._process.wait()
