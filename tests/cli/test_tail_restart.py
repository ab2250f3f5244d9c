"""``tidegate tail`` as a process, while its server goes away and comes back on the same port."""

from __future__ import annotations

import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from queue import Queue as Lines
from threading import Thread
from typing import IO

from tests.cli.running import run
from tests.cli.serving import environment, served

QUEUE = "projects/demo/locations/us-central1/queues/mail"
PATIENCE = 60
"""Seconds that a line may take before the test gives up."""


def server(folder: Path, port: str) -> AbstractContextManager[str]:
    """``HOST:PORT`` of a server whose store is a file; port 0 picks one."""
    return served("--store", "sqlite:///t.db", "--queue", QUEUE, directory=folder, port=port)


def read(stream: IO[str], lines: Lines[str]) -> None:
    for line in stream:
        lines.put(line.rstrip("\n"))


def until(lines: Lines[str], text: str) -> str:
    while text not in (line := lines.get(timeout=PATIENCE)):
        pass
    return line


def attempt(address: str, task_id: str) -> None:
    """A task whose only attempt is refused at once."""
    create = f"tasks create-http-task {task_id} --queue {QUEUE} --url http://127.0.0.1:9/{task_id}"
    done = run(*create.split(), "--address", address)
    assert done.exit_code == 0, done.stderr


def test_it_shows_what_happens_after_a_restart_and_says_that_it_was_away(tmp_path: Path) -> None:
    out: Lines[str] = Lines()
    told: Lines[str] = Lines()
    with server(tmp_path, "0") as address:
        variables = {"TIDEGATE_ADDRESS": address, "TIDEGATE_PROJECT": "demo", "XDG_CONFIG_HOME": str(tmp_path)}
        command = [sys.executable, "-m", "tidegate", "tail", "--since", "10m"]
        tail = subprocess.Popen(
            command, env=environment(variables), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert tail.stdout is not None
        assert tail.stderr is not None
        readers = [Thread(target=read, args=pair) for pair in ((tail.stdout, out), (tail.stderr, told))]
        for reader in readers:
            reader.start()
        try:
            attempt(address, "before")
            assert " attempt 1 " in until(out, "mail/before")
        except BaseException:
            tail.kill()
            raise
    try:
        assert "trying again" in until(told, "tail: ")
        with server(tmp_path, address.rpartition(":")[2]):
            until(told, "tail: events are missing here: ")
            attempt(address, "after")
            assert "http://127.0.0.1:9/after" in until(out, "mail/after")
            tail.send_signal(2)
            assert tail.wait(PATIENCE) == 0  # Ctrl-C is how it is meant to end
    finally:
        tail.kill()
        tail.wait()
        for reader in readers:
            reader.join()
        tail.stdout.close()
        tail.stderr.close()
