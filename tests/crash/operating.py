"""The operator's API over REST, as far as servers that are killed are asked for it."""

from __future__ import annotations

import json
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from tests.endtoend.calls import queue_name
from tests.endtoend.server import Server


class Operator:
    """Asks about one queue."""

    def __init__(self, server: Server, queue: str) -> None:
        self._server = server
        self._queue = queue_name(queue)

    def dead_tasks(self) -> list[str]:
        """The IDs of the tasks on the shelf, as often as they lie there."""
        found: list[str] = []
        token = ""
        while True:
            page = self._call("GET", f"{self._queue}/deadTasks?pageSize=1000&pageToken={token}")
            found += [dead["task"]["name"].rsplit("/", 1)[1] for dead in page.get("deadTasks", ())]
            token = page.get("nextPageToken", "")
            if not token:
                return found

    def redrive(self) -> bool:
        """Whether it was begun, as far as anybody knows."""
        try:
            self._call("POST", f"{self._queue}/deadTasks:redrive", {})
        except (URLError, ConnectionError, TimeoutError):
            return False
        return True

    def begin(self, verb: str, **request: Any) -> str:
        """The name of an operation on the queue's tasks that has begun."""
        name: str = self._call("POST", f"{self._queue}/tasks:{verb}", request)["name"]
        return name

    def ended(self, operation: str) -> Any:
        """The response of an operation, None while it goes on."""
        shown = self._call("GET", operation)
        assert "error" not in shown, shown
        return shown["response"] if shown.get("done") else None

    def attempts(self, task: str) -> list[tuple[int, str]]:
        """Number and outcome of the kept attempts of a task, newest first."""
        found = self._call("GET", f"{self._queue}/tasks/{task}/attempts").get("attempts", ())
        return [(each["number"], each["outcome"]) for each in found]

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        url = f"http://{self._server.address}/operator/v1/{path}"
        content = None if body is None else json.dumps(body).encode()
        request = Request(url, content, {"Content-Type": "application/json"}, method=method)
        with urlopen(request, timeout=30) as answer:
            return json.load(answer)
