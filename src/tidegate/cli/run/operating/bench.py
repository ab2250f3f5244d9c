"""``tidegate bench``: how many tasks a server takes and delivers, from this machine."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

from tidegate.cli.problems import CommandError
from tidegate.cli.run.place import LOOPBACK
from tidegate.cli.run.rest import Server
from tidegate.cli.run.session import Session

VERSION = "v2"
DELIVERED_WITHIN = 60.0
"""Seconds that the delivery of all tasks may take."""
TASKS_MAX = 50_000
LOOK_EVERY = 0.05


class _Handler(BaseHTTPRequestHandler):
    """Answers 200 to everything, and counts."""

    protocol_version = "HTTP/1.1"
    server: _Counting

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        with self.server.lock:
            self.server.count += 1

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


class _Counting(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lock = threading.Lock()
        self.count = 0


def bench(session: Session) -> None:
    """Create tasks for some seconds, have them delivered, and print both rates."""
    line = session.line
    near = session.place.access.host in LOOPBACK
    if not near and not line.has("--yes"):
        raise CommandError(
            f"{session.place.access.url} is not this machine: a benchmark is a load on everybody who uses it; --yes"
            " does it all the same"
        )
    location = session.location()
    queue = f"{location}/queues/bench-{uuid4().hex[:12]}"
    rate = {"maxDispatchesPerSecond": 500, "maxConcurrentDispatches": 1000}
    session.server.call("POST", f"/{VERSION}/{location}/queues", body={"name": queue, "rateLimits": rate})
    handler = _Counting()
    threading.Thread(target=handler.serve_forever, daemon=True).start()
    try:
        session.server.call("POST", f"/{VERSION}/{queue}:pause", body={})
        seconds, created = _create(session, queue, handler.server_port)
        result: dict[str, Any] = {"created": created, "creates_per_second": round(created / seconds, 1)}
        if near:
            result |= _deliver(session, queue, handler, created)
        print(json.dumps(result))
    finally:
        handler.shutdown()
        handler.server_close()
        session.server.call("DELETE", f"/{VERSION}/{queue}")


def _create(session: Session, queue: str, port: int) -> tuple[float, int]:
    """Seconds, and how many tasks were created in them."""
    line = session.line
    until = time.monotonic() + line.value("--seconds")
    begun = time.monotonic()
    counts: list[int] = []
    problems: list[CommandError] = []
    callers = line.value("--callers")
    most = TASKS_MAX // callers

    def call() -> None:
        server = Server(session.place.access)
        body = {"task": {"httpRequest": {"url": f"http://127.0.0.1:{port}/", "body": "eHh4eHh4eHh4eHh4eHh4eA=="}}}
        count = 0
        try:
            while time.monotonic() < until and count < most:
                server.call("POST", f"/{VERSION}/{queue}/tasks", body=body)
                count += 1
        except CommandError as error:
            problems.append(error)
        finally:
            counts.append(count)
            server.close()

    threads = [threading.Thread(target=call) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]
    return time.monotonic() - begun, sum(counts)


def _deliver(session: Session, queue: str, handler: _Counting, created: int) -> dict[str, Any]:
    """Resume the queue and wait until its tasks have arrived; a queue starts 500 in a second at most."""
    begun = time.monotonic()
    session.server.call("POST", f"/{VERSION}/{queue}:resume", body={})
    while handler.count < created and time.monotonic() - begun < DELIVERED_WITHIN:
        time.sleep(LOOK_EVERY)
    seconds = time.monotonic() - begun
    return {"delivered": handler.count, "dispatches_per_second": round(handler.count / seconds, 1)}
