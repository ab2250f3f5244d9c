"""A server at work for pictures: a handler that fails at times, queues that are busy, behind, paused, or only wait."""

from __future__ import annotations

import json
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.browser.filled import DEV, SHOP, Filled
from tests.cli.serving import served
from tests.endtoend.waiting import eventually

MAIL = f"{SHOP}/queues/mail-out"
FAILED = f"{MAIL}/tasks/order-41"
"""A task that fails, and then waits a minute."""

BODY = json.dumps(
    {
        "order": 10092,
        "template": "shipped",
        "to": "kim@example.org",
        "items": [{"sku": "TG-4410", "count": 2}, {"sku": "TG-0093", "count": 1}],
    }
).encode()
LIMITS = {"mail-out": (8, 10, 90), "thumbnails": (20, 100, 600), "webhooks": (5, 50, 150), "billing-sync": (1, 1, 40)}
"""By queue: attempts a second, attempts at a time, and tasks."""


class Handler(BaseHTTPRequestHandler):
    """Two of three mails fail; all else is done after a while."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        time.sleep(0.05)
        number = self.headers["X-CloudTasks-TaskName"].rpartition("-")[2]
        failed = self.path == "/v1/send" and int(number) % 3 != 0
        answer = b'{"error": "provider quota exceeded"}' if failed else b"{}"
        self.send_response(500 if failed else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


@contextmanager
def busy(directory: Path) -> Iterator[Filled]:
    """The server, once each of its queues has something to show."""
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), Handler) as handler,
        served("--store", "sqlite://:memory:", directory=directory) as address,
    ):
        threading.Thread(target=handler.serve_forever, daemon=True).start()
        server = Filled(address)
        try:
            fill(server, f"http://127.0.0.1:{handler.server_port}")
            eventually(
                "the task has failed", lambda: bool(server.get(FAILED).get("lastAttempt", {}).get("responseTime"))
            )
            yield server
        finally:
            server.close()
            handler.shutdown()


def fill(server: Filled, url: str) -> None:
    later = (datetime.now(UTC) + timedelta(hours=11)).isoformat()
    paused = server.queue(f"{SHOP}/queues/reports-nightly")
    server.post(f"{paused}:pause")
    for number in range(40):
        request(server, paused, f"report-{number:02}", f"{url}/v1/reports")
    request(server, server.queue(f"{SHOP}/queues/cleanup"), "cleanup-1", f"{url}/v1/cleanup", scheduleTime=later)
    server.queue(f"{DEV}/queues/crm-leads", type="PULL")
    for name, (rate, at_once, tasks) in LIMITS.items():
        limits = {"maxDispatchesPerSecond": rate, "maxConcurrentDispatches": at_once, "maxBurstSize": 1}
        retries = {"minBackoff": "60s", "maxBackoff": "600s"}
        queue = server.queue(f"{SHOP}/queues/{name}", rateLimits=limits, retryConfig=retries)
        path = "/v1/send" if queue == MAIL else f"/v1/{name}"
        task_id = "order" if queue == MAIL else name
        for number in range(tasks):
            request(server, queue, f"{task_id}-{number}", url + path)


def request(server: Filled, queue: str, task_id: str, url: str, **fields: str) -> None:
    headers = {"content-type": "application/json", "x-trace": "4bf92f3577b34da6"}
    task = {
        "name": f"{queue}/tasks/{task_id}",
        "httpRequest": {"url": url, "headers": headers, "body": b64encode(BODY).decode()},
    }
    server.post(f"{queue}/tasks", {"task": {**task, **fields}})
