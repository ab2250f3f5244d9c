"""A server of a test's own with queues in all states: busy, failing, paused, pull, and one with dead letters."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from tests.cli.serving import served
from tests.endtoend.waiting import eventually

SHOP = "projects/shop-prod/locations/europe-west1"
DEV = "projects/shop-dev/locations/us-central1"
NOBODY = "http://127.0.0.1:9"
"""Where nothing listens: attempts fail at once."""

JSON = b'{"order": 10092, "big": 12345678901234567890, "items": [{"sku": "TG-4410", "count": 2}]}'
HOSTILE = (
    '<script>document.title="owned"</script><img src=x onerror="document.title=\'owned\'">'
    "<style>body{display:none}</style>\u202etxt.exe {{7*7}} ]]> --> \"'"
).encode()
DEEP = b"[" * 40 + b"]" * 40


class Filled:
    """The server at ``address``, and calls of its REST API."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.console = f"http://{address}/console/"
        self._rest = httpx.Client(base_url=f"http://{address}/v2beta3/", timeout=30)

    def close(self) -> None:
        self._rest.close()

    def post(self, path: str, body: Any = None) -> Any:
        answer = self._rest.post(path, json=body or {})
        assert answer.is_success, answer.text
        return answer.json()

    def get(self, path: str) -> Any:
        answer = self._rest.get(path)
        return answer.json() if answer.is_success else None

    def queue(self, name: str, **settings: Any) -> str:
        self.post(name.rpartition("/")[0], {"name": name, **settings})
        return name

    def task(
        self, queue: str, task_id: str = "", body: bytes = JSON, url: str = f"{NOBODY}/v1/send", **fields: Any
    ) -> str:
        request = {"url": url, "headers": {"content-type": "application/json"}}
        task = {"httpRequest": {**request, "body": b64encode(body).decode()}, **fields}
        if task_id:
            task["name"] = f"{queue}/tasks/{task_id}"
        name: str = self.post(f"{queue}/tasks", {"task": task})["name"]
        return name

    def tasks(self, queue: str) -> list[str]:
        return [task["name"] for task in self.get(f"{queue}/tasks").get("tasks", [])]

    def fill(self) -> None:
        """One queue of each kind."""
        limits = {"maxDispatchesPerSecond": 5, "maxConcurrentDispatches": 10}
        failing = self.queue(f"{SHOP}/queues/mail-out", rateLimits=limits, retryConfig={"minBackoff": "600s"})
        for number in range(6):
            self.task(failing, f"order-{number}")
        dying = self.queue(f"{SHOP}/queues/receipts", retryConfig={"maxAttempts": 1})
        for number in range(3):
            self.task(dying, f"receipt-{number}")
        paused = self.queue(f"{SHOP}/queues/reports-nightly")
        self.post(f"{paused}:pause")
        later = (datetime.now(UTC) + timedelta(hours=5)).isoformat()
        for number in range(60):
            self.task(paused, f"report-{number:02}", scheduleTime=later)
        self.task(paused, "hostile", HOSTILE, scheduleTime=later)
        self.task(paused, "deep", DEEP, scheduleTime=later)
        self.task(paused, "binary", bytes(range(256)) * 300, scheduleTime=later)
        self.task(paused, "invalid", b"text \xff\xfe", scheduleTime=later)
        self.task(paused, "empty", b"", scheduleTime=later)
        pull = self.queue(f"{DEV}/queues/crm-leads", type="PULL")
        message = {"payload": b64encode(JSON).decode(), "tag": "lead"}
        self.post(f"{pull}/tasks", {"task": {"name": f"{pull}/tasks/lead-1", "pullMessage": message}})
        eventually("all receipts are given up", lambda: not self.tasks(dying))


@contextmanager
def filled(directory: Path, *flags: str) -> Iterator[Filled]:
    with served("--store", "sqlite://:memory:", *flags, directory=directory) as address:
        server = Filled(address)
        try:
            server.fill()
            yield server
        finally:
            server.close()
