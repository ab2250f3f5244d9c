"""``kill -9`` while tasks die and while they are driven again: each is in its queue, or on the shelf, or delivered.

The long form: ``make crash KILLS=200 SEED=7``.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.crash.load import IN_FLIGHT
from tests.crash.operating import Operator
from tests.endtoend.calls import create_queue, list_tasks, queue_name
from tests.endtoend.client import GoogleClient
from tests.endtoend.dispatch_rules import Retries
from tests.endtoend.handler import Handler
from tests.endtoend.server import Server
from tests.endtoend.waiting import eventually, eventually_all
from tests.kit.fixtures import alive
from tests.kit.lives import kill_and_start

KILLS = int(os.environ.get("KILLS", "4"))
SEED = int(os.environ.get("SEED", "1"))
QUEUE = "deadly"
TASKS = 400 if KILLS < 20 else 10_000
BATCH = 100
SCRIPT = "500,200"
"""What the first request of a task is answered, and every other."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with alive(Server(tmp_path, "--no-throttling")) as server:  # else handlers that always fail slow the queue
        yield server


@pytest.fixture
def operator(server: Server) -> Operator:
    return Operator(server, QUEUE)


@pytest.mark.timeout(180 + 20 * KILLS)
def test_killed_again_and_again_no_task_is_in_two_places_or_in_none(
    server: Server, client: GoogleClient, handler: Handler, operator: Operator
) -> None:
    dice = random.Random(SEED)
    limits = {"max_concurrent_dispatches": IN_FLIGHT}
    create_queue(client, QUEUE, Retries(max_attempts=1), rate_limits=limits)
    names = [f"t{number}" for number in range(TASKS)]
    for begin in range(0, TASKS, BATCH):
        create(client, handler, names[begin : begin + BATCH])
        if dice.random() < KILLS * BATCH / TASKS / 2:
            time.sleep(dice.uniform(0, 0.3))
            kill_and_start(server, client, handler)

    eventually_all("every task has ended", lambda: len(list_tasks(client, QUEUE)))
    dead = Counter(operator.dead_tasks())
    delivered = {name for name in names if handler.delivered(QUEUE, name)}
    assert max(dead.values()) == 1
    # A task that was delivered in the moment of a kill may be sent once more; it is answered 200 again.
    assert set(dead) | delivered == set(names)
    assert not set(dead) & delivered
    assert len(delivered) <= KILLS * IN_FLIGHT + IN_FLIGHT

    eventually("the redrive is begun", operator.redrive)
    for _ in range(max(1, KILLS // 2)):
        time.sleep(dice.uniform(0, 0.5))
        kill_and_start(server, client, handler)
    eventually_all("nothing is left on the shelf", lambda: len(operator.dead_tasks()))
    eventually_all("every redriven task has ended", lambda: len(list_tasks(client, QUEUE)))
    assert [name for name in names if not handler.delivered(QUEUE, name)] == []
    again = sum(each.status == 200 for name in names for each in handler.arrivals(QUEUE, name)) - TASKS
    assert again <= server.life * IN_FLIGHT  # what was under way at a kill
    assert operator.dead_tasks() == []
    assert server.stop() == 0


def create(client: GoogleClient, handler: Handler, names: list[str]) -> None:
    parent = queue_name(QUEUE)
    url = handler.url(SCRIPT)
    requests = [
        {"parent": parent, "task": {"name": f"{parent}/tasks/{name}", "http_request": {"url": url}}} for name in names
    ]
    reply = client.reply("batch_create_tasks", persist=True, parent=parent, requests=requests)
    assert reply.code == "OK", reply
