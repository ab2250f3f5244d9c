"""Clients of several nodes: each call goes to one of them, and to another when nobody answers. What they asked and were
told is written down.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from itertools import count
from typing import Any

from tests.endtoend.handler import Handler
from tests.invariants.history import NO_ANSWER, Answered, Called, Entry, Limits

LOCATION = "projects/p/locations/us-central1"
PATIENCE = 15.0
"""Seconds that a caller waits for an answer: a node that was stopped gives none."""

AHEAD = 2.0
"""Seconds for which tasks are to wait at most."""
SCRIPTS = ["200"] * 10 + ["200~50", "200~300", "500,200", "404,200"]
LIMITS = Limits(rate=100.0, burst=20, concurrency=15, max_attempts=-1, min_backoff=0.1, max_backoff=0.5)


@dataclass(frozen=True)
class Reply:
    code: str
    answer: Any = None


class Callers:
    """Threads that create and delete tasks until they are told to stop."""

    scheduled = 0.1
    """The part of tasks that are to wait for a while."""

    def __init__(self, ports: Callable[[], list[int]], handler: Handler, queues: list[str], seed: int) -> None:
        """``ports`` are those of the nodes that may be called now."""
        self.entries: list[Entry] = []
        self.queues = queues
        self.scripts = SCRIPTS
        """What handlers do with a task: any of these."""
        self.failed = 0
        """Calls that nobody answered."""
        self._ports = ports
        self._handler = handler
        self._seed = seed
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self.made: list[str] = []

    def set_up(self) -> None:
        """Make the queues."""
        for queue in self.queues:
            body = {
                "name": f"{LOCATION}/queues/{queue}",
                "rateLimits": {"maxDispatchesPerSecond": LIMITS.rate, "maxConcurrentDispatches": LIMITS.concurrency},
                "retryConfig": {"maxAttempts": -1, "minBackoff": "0.1s", "maxBackoff": "0.5s"},
            }
            path = f"/v2/{LOCATION}/queues"
            assert self.call("create_queue", queue, "POST", path, body, limits=LIMITS).code == "OK"

    def work(self, threads: int, seconds: float, meanwhile: Callable[[], None]) -> None:
        """Call from so many threads while ``meanwhile`` runs, and for so many seconds after it."""
        with ThreadPoolExecutor(threads) as pool:
            works = [pool.submit(self._keep_at_it, random.Random(self._seed * 1000 + each)) for each in range(threads)]
            try:
                time.sleep(seconds)
                meanwhile()
                time.sleep(seconds)
            finally:
                self._stopping.set()
        for each in works:
            each.result()

    def _keep_at_it(self, dice: random.Random) -> None:
        while not self._stopping.is_set():
            if dice.random() < 0.1 and self.made:
                task = dice.choice(self.made[-50:])
                queue, _, name = task.partition("/")
                path = f"/v2/{LOCATION}/queues/{queue}/tasks/{name}"
                self.call("delete_task", queue, "DELETE", path, tasks=(task,))
            else:
                self._create(dice)
            time.sleep(dice.random() * 0.04)

    def _create(self, dice: random.Random) -> None:
        queue = dice.choice(self.queues)
        name = f"t{dice.getrandbits(48):x}"
        task = self._task(f"{LOCATION}/queues/{queue}/tasks/{name}", dice)
        also: dict[str, Any] = {}
        if dice.random() < self.scheduled:
            ahead = dice.random() * AHEAD
            also["due"] = time.monotonic() + ahead
            task["scheduleTime"] = (datetime.now(UTC) + timedelta(seconds=ahead)).isoformat()
        body = {"task": task}
        path = f"/v2/{LOCATION}/queues/{queue}/tasks"
        while True:
            reply = self.call("create_task", queue, "POST", path, body, tasks=(f"{queue}/{name}",), **also)
            if reply.code not in NO_ANSWER or self._stopping.is_set():
                break
            time.sleep(0.05)
        self.made.append(f"{queue}/{name}")

    def _task(self, name: str, dice: random.Random) -> dict[str, Any]:
        return {"name": name, "httpRequest": {"url": self._handler.url(dice.choice(self.scripts))}}

    def call(
        self,
        method: str,
        queue: str,
        verb: str,
        path: str,
        body: Any = None,
        *,
        limits: Limits | None = None,
        **also: Any,
    ) -> Reply:
        """One call of one node."""
        number = next(self._numbers)
        self._note(
            Called(time.monotonic(), number, threading.current_thread().name, method, queue, limits=limits, **also)
        )
        reply = self._reply(verb, path, body)
        tasks = also.get("tasks", ()) if reply.code == "OK" else ()
        self.failed += reply.code in NO_ANSWER
        self._note(Answered(time.monotonic(), number, reply.code, tasks, limits if reply.code == "OK" else None))
        return reply

    def _note(self, entry: Entry) -> None:
        with self._lock:
            self.entries.append(entry)

    def _reply(self, verb: str, path: str, body: Any) -> Reply:
        ports = self._ports()
        if not ports:
            return Reply("UNAVAILABLE")
        connection = HTTPConnection("127.0.0.1", random.choice(ports), timeout=PATIENCE)
        with closing(connection):
            try:
                text = None if body is None else json.dumps(body)
                connection.request(verb, path, text, {"Content-Type": "application/json"})
                response = connection.getresponse()
                answer = json.loads(response.read() or b"{}")
            except TimeoutError:
                return Reply("DEADLINE_EXCEEDED")
            except (OSError, HTTPException, ValueError):
                return Reply("UNAVAILABLE")
        return Reply(answer["error"]["status"] if response.status >= 400 else "OK", answer)
