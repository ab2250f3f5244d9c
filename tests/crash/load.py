"""Clients at work: they create, delete, purge and look, and keep at it for as long as the server is away."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from tests.endtoend.calls import LOCATION, create_queue, queue_name
from tests.endtoend.client import GoogleClient, Reply, rfc3339
from tests.endtoend.dispatch_rules import SECOND, Retries
from tests.endtoend.handler import Handler, wall
from tests.kit.ledger import Known, Ledger

QUEUES = ("load-0", "load-1")
PURGED = "purged"
IN_FLIGHT = 20
"""Attempts that a queue may have under way: no kill can interrupt more."""

CREATORS = 8
HOUR = 3600 * SECOND

SCRIPTS = ["200"] * 14 + ["200~30", "200~200", "500,200", "404,500,200"]


def create_queues(client: GoogleClient) -> None:
    for queue in (*QUEUES, PURGED):
        limits = {"max_concurrent_dispatches": IN_FLIGHT}
        create_queue(client, queue, Retries(min_backoff=0.05, max_backoff=0.2), rate_limits=limits)


class Load:
    """Its threads run until ``stop``; what they learn is in the ledger."""

    def __init__(self, client: GoogleClient, handler: Handler, seed: int) -> None:
        self.ledger = Ledger(handler)
        self._client = client
        self._handler = handler
        self._seed = seed
        self._stopping = threading.Event()

    @contextmanager
    def running(self) -> Iterator[Ledger]:
        """Load, for as long as the block lasts. What went wrong in a thread is raised at its end."""
        works: list[Callable[[int, random.Random], None]] = [self._create] * CREATORS
        works += [self._create_many, self._delete, self._look, self._purge]
        with ThreadPoolExecutor(len(works)) as pool:
            futures = [
                pool.submit(self._keep_at_it, work, number, random.Random(self._seed * 1000 + number))
                for number, work in enumerate(works)
            ]
            try:
                yield self.ledger
            finally:
                self._stopping.set()
        for future in futures:
            future.result()

    def _keep_at_it(self, work: Callable[[int, random.Random], None], number: int, dice: random.Random) -> None:
        while not self._stopping.is_set():
            work(number, dice)

    def _reply(self, method: str, /, **request: Any) -> Reply:
        return self._client.reply(method, persist=True, **request)

    def _create(self, number: int, dice: random.Random) -> None:
        """Create one task. Most creators insist; one in twenty takes no answer for an answer."""
        known = Known(dice.choice(QUEUES), f"t{number}-{dice.getrandbits(48):x}", dice.choice(SCRIPTS))
        moment = dice.random()
        if moment < 0.1:
            known.due = wall() + dice.randrange(2 * SECOND)
        elif moment < 0.15:
            known.due, known.far = wall() + HOUR, True
        self._send(known, persist=dice.random() < 0.95)

    def _create_many(self, number: int, dice: random.Random) -> None:
        """Create some tasks in one batch. When its answer is lost, the operation of that name tells."""
        queue = dice.choice(QUEUES)
        batch = [
            self.ledger.add(Known(queue, f"b{number}-{dice.getrandbits(48):x}", "200"))
            for _ in range(dice.randrange(1, 20))
        ]
        parent, operation = queue_name(queue), f"o{dice.getrandbits(64):x}"
        requests = [{"parent": parent, "task": self._task(known)} for known in batch]
        reply = self._reply("batch_create_tasks", parent=parent, requests=requests, request_id=operation)
        if reply.code == "INVALID_ARGUMENT" and "Duplicate operation id" in reply.message:
            assert reply.tries > 1, "an ID that was never used is taken"
            reply = self._reply("get_operation", name=f"{LOCATION}/operations/{operation}")
        assert reply.code == "OK", reply
        if not reply.answer["done"]:
            self.ledger.unfinished.append(operation)
            return
        assert reply.answer["metadata"]["state"] == "SUCCEEDED", reply
        for known in batch:
            known.acknowledged = True

    def _task(self, known: Known) -> dict[str, Any]:
        task: dict[str, Any] = {"name": f"{queue_name(known.queue)}/tasks/{known.task}"}
        task["http_request"] = {"url": self._handler.url(known.script)}
        if known.due is not None:
            task["schedule_time"] = rfc3339(known.due)
        return task

    def _send(self, known: Known, *, persist: bool) -> None:
        self.ledger.add(known)
        parent = queue_name(known.queue)
        reply = self._client.reply("create_task", persist=persist, parent=parent, task=self._task(known))
        if reply.code == "ALREADY_EXISTS":
            assert reply.tries > 1, "a name that was never used is taken"
            self.ledger.existed_already += 1
        else:
            assert reply.code == "OK" or (reply.code == "UNAVAILABLE" and not persist), reply
        self.ledger.retried_creates += reply.tries > 1
        known.acknowledged = reply.code != "UNAVAILABLE"

    def _delete(self, _: int, dice: random.Random) -> None:
        """Delete a task of the last ones, whatever its state."""
        recent = [known for known in self.ledger.tasks[-300:] if known.acknowledged and not known.delete_tried]
        if not recent or dice.random() < 0.5:
            time.sleep(0.01)
            return
        known = dice.choice(recent)
        known.delete_tried = True
        reply = self._reply("delete_task", name=f"{queue_name(known.queue)}/tasks/{known.task}")
        assert reply.code in {"OK", "NOT_FOUND"}, reply
        known.deleted_at = reply.at

    def _look(self, _: int, dice: random.Random) -> None:
        """Ask after a task that its handler has answered."""
        recent = self.ledger.tasks[-300:]
        known = dice.choice(recent) if recent else None
        if known is None or known.delete_tried or not self.ledger.delivered(known):
            time.sleep(0.005)
            return
        reply = self._reply("get_task", name=f"{queue_name(known.queue)}/tasks/{known.task}")
        if reply.code == "NOT_FOUND":
            assert "a task with this name existed recently" in reply.message
            known.seen_gone_at = reply.at
        else:
            assert reply.code == "OK", reply

    def _purge(self, number: int, dice: random.Random) -> None:
        """Create some tasks that are due soon, and purge them, some too late."""
        batch = []
        for _ in range(dice.randrange(1, 10)):
            due = wall() + dice.randrange(2 * SECOND)
            batch.append(Known(PURGED, f"p{number}-{dice.getrandbits(48):x}", "200", due, delete_tried=True))
            self._send(batch[-1], persist=True)
        reply = self._reply("purge_queue", name=queue_name(PURGED))
        assert reply.code == "OK", reply
        for known in batch:
            known.deleted_at = reply.at
