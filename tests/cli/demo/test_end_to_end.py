"""The whole demo, small, as a user would run it."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

URL = re.compile(r"http://([\d.]+):(\d+)")


@contextmanager
def demo(directory: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A running ``tidegate demo`` whose temporary files are in ``directory``."""
    environment = {**os.environ, "TMPDIR": str(directory), "COLUMNS": "100", "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tidegate", "demo", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate()


def refused(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address).close()
    except ConnectionRefusedError:
        return True
    return False


def test_every_promise_holds_and_nothing_stays_behind(tmp_path: Path) -> None:
    with demo(tmp_path, "--tasks", "60") as process:
        shown, errors = process.communicate(timeout=60)
    assert process.returncode == 0, shown + errors
    assert errors == ""
    assert "60 in: 60 delivered, 0 given up, 0 left" in shown
    assert re.search(r"Every promise held, in \d+ seconds\.", shown)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_cleanly(number: signal.Signals, tmp_path: Path) -> None:
    with demo(tmp_path, "--tasks", "60") as process:
        assert process.stdout is not None
        ready = next(line for line in process.stdout if "listens at" in line)
        match = URL.search(ready)
        assert match is not None
        process.send_signal(number)
        shown, errors = process.communicate(timeout=60)
    assert process.returncode == 130, shown + errors
    assert errors == ""
    assert "Stopped. Nothing stays behind." in shown
    assert refused((match[1], int(match[2])))
    assert list(tmp_path.iterdir()) == []
