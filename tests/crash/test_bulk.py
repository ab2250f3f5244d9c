"""``kill -9`` while operations change many tasks: each task is changed once, and the operation counts it once.

The long form: ``make crash KILLS=200 SEED=7``.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter

import pytest
from tests.crash.operating import Operator
from tests.endtoend.calls import create_queue, create_task, list_tasks, queue_name
from tests.endtoend.client import GoogleClient, micros, rfc3339
from tests.endtoend.dispatch_rules import SECOND, Retries
from tests.endtoend.handler import Handler, wall
from tests.endtoend.server import Server
from tests.endtoend.waiting import eventually, eventually_all
from tests.kit.lives import kill_and_start

KILLS = int(os.environ.get("KILLS", "4"))
SEED = int(os.environ.get("SEED", "1"))
QUEUE = "bulk"
TASKS = 400 if KILLS < 20 else 10_000
"""Of each of both kinds."""
BATCH = 100
RUN_AT_ONCE = 32
"""Attempts that one step of bulkRun starts, which a kill may cut off."""


@pytest.fixture
def operator(server: Server) -> Operator:
    return Operator(server, QUEUE)


def create(client: GoogleClient, url: str, names: list[str]) -> None:
    parent = queue_name(QUEUE)
    for begin in range(0, len(names), BATCH):
        requests = [
            {"parent": parent, "task": {"name": f"{parent}/tasks/{name}", "http_request": {"url": url}}}
            for name in names[begin : begin + BATCH]
        ]
        client.call("batch_create_tasks", parent=parent, requests=requests)


@pytest.mark.timeout(180 + 20 * KILLS)
def test_killed_again_and_again_an_operation_changes_and_counts_each_task_once(
    server: Server, client: GoogleClient, handler: Handler, operator: Operator
) -> None:
    dice = random.Random(SEED)
    create_queue(client, QUEUE, Retries(min_backoff=0.05, max_backoff=0.2))
    client.call("pause_queue", name=queue_name(QUEUE))
    shelved, moved = [f"a{number}" for number in range(TASKS)], [f"b{number}" for number in range(TASKS)]
    create(client, handler.url("200"), [*shelved, *moved])

    later = wall() // SECOND * SECOND + 20 * 86_400 * SECOND
    begun = [
        operator.begin("bulkDelete", filter='task_id<"b"', shelve=True),
        operator.begin("bulkReschedule", filter='task_id>="b"', at=rfc3339(later)),
    ]
    for _ in range(max(1, KILLS // 4)):
        time.sleep(dice.uniform(0, 0.4))
        kill_and_start(server, client, handler)
    for operation in begun:
        eventually("the operation has ended", lambda operation=operation: operator.ended(operation) is not None)  # type: ignore[misc]
        response = operator.ended(operation)
        assert (response["matched"], response["changed"]) == (f"{TASKS}", f"{TASKS}")
    assert Counter(operator.dead_tasks()) == Counter(shelved)
    left = list_tasks(client, QUEUE)
    assert set(left) == set(moved)
    assert {micros(task["schedule_time"]) for task in left.values()} == {later}

    run = operator.begin("bulkRun", filter="name:*")
    for _ in range(max(1, KILLS // 4)):
        time.sleep(dice.uniform(0, 0.4))
        kill_and_start(server, client, handler)
    eventually("the tasks are run", lambda: operator.ended(run) is not None)
    assert operator.ended(run)["changed"] == f"{TASKS}"
    client.call("resume_queue", name=queue_name(QUEUE))  # for those that a kill cut off, which are due again
    eventually_all("every task is delivered", lambda: len(list_tasks(client, QUEUE)))
    again = sum(len(handler.arrivals(QUEUE, name)) for name in moved) - TASKS
    assert again <= server.life * RUN_AT_ONCE * 2
    assert [name for name in moved if not handler.delivered(QUEUE, name)] == []
    assert server.stop() == 0


def test_an_attempt_that_a_kill_interrupts_is_unknown_afterwards(
    server: Server, client: GoogleClient, handler: Handler, operator: Operator
) -> None:
    create_queue(client, QUEUE)
    task = create_task(client, QUEUE, handler.url("hang"))
    eventually("the attempt is under way", lambda: len(handler.arrivals(QUEUE, task)) == 1)
    kill_and_start(server, client, handler)
    assert operator.attempts(task) == [(1, "UNKNOWN")]
    eventually("it is tried again", lambda: len(handler.arrivals(QUEUE, task)) == 2)
