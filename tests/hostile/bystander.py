"""Another caller of the same server, in a process of its own: it reads a queue and makes tasks, one call after the
other, and says how long the longest took.

    python -m tests.hostile.bystander HOST:PORT QUEUE

It answers each line on its standard input with the longest call since the one before, in seconds.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).parents[2]
PAUSE = 0.003
"""Seconds between two calls: it is there to feel what others do, not to be a load itself."""


class Bystander:
    """That process, seen from the test."""

    def __init__(self, address: str, queue: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.hostile.bystander", address, queue],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Bystander:
        self.longest()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def longest(self) -> float:
        """Seconds that the longest call took since this was asked last, one under way included."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        seconds: float = json.loads(self._process.stdout.readline())
        return seconds


class _Calls:
    def __init__(self, address: str, queue: str) -> None:
        self._connection = HTTPConnection(address, timeout=600)
        self._queue = queue
        self._begun = 0.0
        self._longest = 0.0
        self._lock = threading.Lock()
        self.over = False

    def run(self) -> None:
        task = json.dumps({"task": {"httpRequest": {"url": "http://127.0.0.1:9/"}, "scheduleTime": later()}}).encode()
        while not self.over:
            for verb, path, body in (("GET", self._queue, None), ("POST", f"{self._queue}/tasks", task)):
                with self._lock:
                    self._begun = time.perf_counter()
                self._connection.request(verb, f"/v2/{path}", body)
                answer = self._connection.getresponse()
                text = answer.read()
                if answer.status != 200:
                    raise AssertionError(f"{verb} {path}: {answer.status} {text!r}")
                with self._lock:
                    self._longest = max(self._longest, time.perf_counter() - self._begun)
                    self._begun = 0.0
                time.sleep(PAUSE)

    def longest(self) -> float:
        with self._lock:
            under_way = time.perf_counter() - self._begun if self._begun else 0.0
            longest, self._longest = max(self._longest, under_way), 0.0
            return longest


def later() -> str:
    """Tomorrow: tasks that nobody dispatches."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 24 * 3600))


def main() -> None:
    calls = _Calls(*sys.argv[1:])
    thread = threading.Thread(target=calls.run)
    thread.start()
    for _ in sys.stdin:
        if not thread.is_alive():
            sys.exit("the calls have ended")
        sys.stdout.write(f"{calls.longest()}\n")
        sys.stdout.flush()
    calls.over = True
    thread.join()


if __name__ == "__main__":
    main()
