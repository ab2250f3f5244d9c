"""``tidegate dev`` as a process, and an application that it may call."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue as Lines
from threading import Thread
from typing import Any

from tests.cli.serving import environment

OTHERS = {"HOST", "PORT", "INITIAL_QUEUES", "OPENID_ISSUER", "GOOGLE_CLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT"}
"""Variables that mean something to it and may be set for somebody else."""

PATIENCE = 60
"""Seconds that a line or a call may take before a test gives up."""


@contextmanager
def started(
    *arguments: str, program: Sequence[str] = (sys.executable, "-m", "tidegate"), **variables: str
) -> Iterator[Lines[str]]:
    """``tidegate dev`` as a process, and the lines that it prints; it ends with 0 at SIGTERM. ``program`` is what
    comes before ``dev``.
    """
    kept = {name: value for name, value in environment(variables).items() if name in variables or name not in OTHERS}
    with subprocess.Popen([*program, "dev", *arguments], env=kept, stdout=subprocess.PIPE, text=True) as process:
        lines: Lines[str] = Lines()

        def read() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                lines.put(line.rstrip("\n"))

        reader = Thread(target=read)
        reader.start()
        try:
            yield lines
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(PATIENCE)
            reader.join()
    assert code == 0


def until(lines: Lines[str], begin: str) -> str:
    """The first line that has these words, which comes if anything works."""
    while begin not in (line := lines.get(timeout=PATIENCE)):
        pass
    return line


@contextmanager
def application() -> Iterator[tuple[str, Lines[tuple[str, str | None]]]]:
    """The URL of an application on this machine, and the path and forwarded host of each call."""
    calls: Lines[tuple[str, str | None]] = Lines()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            pass

        def do_POST(self) -> None:
            calls.put((self.path, self.headers["X-Forwarded-Host"]))
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", calls
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
