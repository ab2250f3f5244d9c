"""A real ``tidegate serve``, as a process."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

READY = "listening on http://"
MAIL_AND_WORK = """\
queue:
- name: mail
  rate: 5/s
- name: work
  mode: pull
"""
"""Two queues of a queue.yaml."""


def environment(added: Mapping[str, str] | None = None) -> dict[str, str]:
    """Ours, without settings that somebody may have made, and with these. Logs are text, as on a terminal."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("TIDEGATE_")}
    return {**ours, "TIDEGATE_LOG_FORMAT": "plain", **(added or {})}


@contextmanager
def served(
    *arguments: str,
    directory: Path,
    variables: Mapping[str, str] | None = None,
    stderr: IO[str] | None = None,
    port: str = "0",
) -> Iterator[str]:
    """``HOST:PORT`` of a server on a free port, or this one; it is stopped with SIGTERM and must then end with 0."""
    with subprocess.Popen(
        [sys.executable, "-m", "tidegate", "serve", *arguments, "--port", port],
        cwd=directory,
        env=environment(variables),
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            assert ready.startswith(READY), ready
            yield ready.removeprefix(READY).strip()
        finally:
            process.terminate()
    assert process.returncode == 0


def refused(*arguments: str, directory: Path) -> str:
    """What a server that does not start says on stderr; it ends with 1."""
    done = subprocess.run(
        [sys.executable, "-m", "tidegate", "serve", "--port", "0", *arguments],
        cwd=directory,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr
