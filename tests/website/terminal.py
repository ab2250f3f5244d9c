"""A terminal with a shell, in which a test types."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.endtoend.waiting import eventually

ENDED = "--ended--"
"""What the shell says after each command, with the exit code behind."""


class Terminal:
    """A shell of its own. ``shown`` is all that stood on its screen."""

    def __init__(self, name: str, folder: Path, variables: Mapping[str, str], log: Path) -> None:
        self.name = name
        self._log = log
        self._seen = 0
        self._typed = 0
        with log.open("wb") as screen:
            self._shell = subprocess.Popen(
                ["/bin/bash", "--noprofile", "--norc"],
                cwd=folder,
                env=dict(variables),
                stdin=subprocess.PIPE,
                stdout=screen,
                stderr=subprocess.STDOUT,
            )

    @property
    def shown(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def start(self, command: str) -> None:
        """Type a command and do not wait for its end."""
        assert self._shell.stdin is not None
        self._seen = len(self.shown)
        self._typed += 1
        self._shell.stdin.write(f"{command}\necho {ENDED} $?\n".encode())
        self._shell.stdin.flush()

    def run(self, command: str) -> None:
        """Type a command and wait for its end; it must end well."""
        self.start(command)
        eventually(f"the end of {command!r} in the {self.name}", self._ended, patience=120)
        assert f"{ENDED} 0\n" in self.shown[self._seen :], self.shown[self._seen :]

    def expect(self, lines: str) -> None:
        """Wait until these lines stand there, in their order, below what was expected before. ``…`` is anything."""
        for line in filter(str.strip, lines.splitlines()):
            pattern = r"\s+".join(".*".join(map(re.escape, word.split("…"))) for word in line.split())

            def there(pattern: str = pattern) -> re.Match[str] | None:
                return re.search(pattern, self.shown[self._seen :])

            try:
                eventually(f"{line!r} in the {self.name}", lambda: there() is not None)
            except AssertionError as error:
                raise AssertionError(f"{error}; it shows:\n{self.shown}") from None
            match = there()
            assert match is not None
            self._seen += match.end()

    def interrupt(self) -> None:
        """Ctrl-C: what runs gets SIGINT, the shell stays."""
        if not self._ended():
            for child in self._children():
                os.kill(child, signal.SIGINT)
            eventually(f"the end of what runs in the {self.name}", self._ended)

    def close(self) -> None:
        """End what runs, then the shell."""
        try:
            self.interrupt()
        finally:
            for child in self._children():
                os.kill(child, signal.SIGKILL)
            assert self._shell.stdin is not None
            self._shell.stdin.close()
            self._shell.wait(30)

    def _ended(self) -> bool:
        return self.shown.count(ENDED) == self._typed

    def _children(self) -> list[int]:
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self._shell.pid)], capture_output=True, text=True, check=False
        )
        return [int(word) for word in listed.stdout.split()]
