"""Workers of a pull queue that crash, oversleep their leases and renew too late."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.endtoend.calls import LOCATION, queue_name
from tests.endtoend.client import GoogleClient, Reply, micros
from tests.endtoend.dispatch_rules import SECOND
from tests.endtoend.handler import wall
from tests.kit.lease_ledger import Hold, LeaseLedger

QUEUE = queue_name("work")
WORKERS = 16
MOST_AT_ONCE = 20
MOST_WAITING = 500
LOST = {"FAILED_PRECONDITION", "NOT_FOUND"}
"""What a worker is told who no longer holds the task: it was leased again, or acknowledged by then."""


class Workers:
    """A creator of tasks and sixteen workers, while ``running``; after that no new tasks and no more faults."""

    def __init__(self, client: GoogleClient, seed: int) -> None:
        self.ledger = LeaseLedger()
        self._client = client
        self._seed = seed
        self._calm = threading.Event()
        self._fates: list[tuple[Callable[[Hold, random.Random], None], int]] = [
            (self._acknowledge, 60),
            (self._renew_and_acknowledge, 12),
            (self._give_back, 8),
            (self._crash, 8),
            (self._oversleep, 6),
            (self._renew_late, 6),
        ]

    def run(self, meanwhile: Callable[[], None]) -> None:
        """Work while ``meanwhile`` goes on, then calmly until every task is acknowledged."""
        self._client.call(
            "create_queue",
            parent=LOCATION,
            queue={"name": QUEUE, "pull_target": {}, "retry_config": {"unlimited_attempts": True}},
        )
        with ThreadPoolExecutor(WORKERS + 1) as pool:
            futures = [pool.submit(self._create)]
            futures += [pool.submit(self._work, random.Random(self._seed * 100 + n)) for n in range(WORKERS)]
            try:
                meanwhile()
            finally:
                self._calm.set()
            for future in futures:
                future.result()

    def _create(self) -> None:
        number = 0
        while not self._calm.is_set():
            if self.ledger.left() >= MOST_WAITING:
                self._calm.wait(0.01)
                continue
            name = f"{QUEUE}/tasks/t{number}"
            number += 1
            self.ledger.created(name)
            task = {"name": name, "pull_message": {"payload": "AA=="}}
            reply = self._reply("create_task", parent=QUEUE, task=task)
            assert reply.code == "OK" or (reply.code == "ALREADY_EXISTS" and reply.tries > 1), reply

    def _work(self, dice: random.Random) -> None:
        while not self._calm.is_set() or self.ledger.left():
            seconds = dice.choice([1, 1, 2])
            reply = self._reply(
                "lease_tasks", parent=QUEUE, max_tasks=dice.randint(1, MOST_AT_ONCE), lease_duration=f"{seconds}s"
            )
            assert reply.code == "OK", reply
            holds = [self.ledger.held(task, seconds) for task in reply.answer["tasks"]]
            if not holds:
                time.sleep(0.01)
            if not self._calm.is_set() and dice.random() < 0.05:
                continue  # this worker is no more, and all it held with it
            for hold in holds:
                fates, weights = zip(*self._fates, strict=True)
                fate = self._acknowledge if self._calm.is_set() else dice.choices(fates, weights)[0]
                fate(hold, dice)

    def _acknowledge(self, hold: Hold, dice: random.Random) -> None:
        reply = self._reply("acknowledge_task", name=hold.task, schedule_time=hold.schedule_time)
        if reply.code == "OK" or (reply.code == "NOT_FOUND" and reply.tries > 1):  # the first answer was lost
            hold.fate = "acknowledged"
            hold.acknowledged_at = wall()
            self.ledger.finished(hold)
        else:
            assert reply.code in LOST, reply
            assert wall() >= hold.end, "a lease that still runs was not honoured"
            hold.fate = "too slow"

    def _renew_and_acknowledge(self, hold: Hold, dice: random.Random) -> None:
        fields = {"name": hold.task, "schedule_time": hold.schedule_time, "lease_duration": "2s"}
        reply = self._reply("renew_lease", **fields)
        if reply.code == "OK":
            hold.end = micros(reply.answer["schedule_time"])
            self._acknowledge(hold, dice)
            hold.fate = f"renewed, {hold.fate}"
        elif reply.tries > 1:  # a first try may have renewed it, until a time that nobody was told
            hold.fate = "renewed, answer lost"
        else:
            assert reply.code in LOST, reply
            assert wall() >= hold.end, "a lease that still runs was not honoured"
            hold.fate = "too slow"

    def _give_back(self, hold: Hold, dice: random.Random) -> None:
        before = wall()
        reply = self._reply("cancel_lease", name=hold.task, schedule_time=hold.schedule_time)
        if reply.code == "OK":
            hold.end = micros(reply.answer["schedule_time"])
            hold.fate = "given back"
        elif reply.tries > 1:
            hold.end = min(hold.end, before)  # perhaps it was given back, some time after this
            hold.fate = "given back, answer lost"
        else:
            assert reply.code in LOST, reply
            assert wall() >= hold.end, "a lease that still runs was not honoured"
            hold.fate = "too slow"

    def _crash(self, hold: Hold, dice: random.Random) -> None:
        hold.fate = "crashed"

    def _oversleep(self, hold: Hold, dice: random.Random) -> None:
        self._sleep_past(hold)
        reply = self._reply("acknowledge_task", name=hold.task, schedule_time=hold.schedule_time)
        assert reply.code in LOST, reply
        hold.fate = "overslept"

    def _renew_late(self, hold: Hold, dice: random.Random) -> None:
        self._sleep_past(hold)
        fields = {"name": hold.task, "schedule_time": hold.schedule_time, "lease_duration": "1s"}
        reply = self._reply("renew_lease", **fields)
        assert reply.code in LOST, reply
        hold.fate = "renewed late"

    def _sleep_past(self, hold: Hold) -> None:
        while (left := hold.end - wall()) > 0:
            time.sleep(left / SECOND)

    def _reply(self, method: str, **request: Any) -> Reply:
        return self._client.reply(method, persist=True, **request)
