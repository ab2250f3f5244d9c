"""Workers with Google's v2beta2 client share a pull queue: each task is leased to one of them at a time."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.endtoend.calls import LOCATION, queue_name
from tests.endtoend.client import GoogleClient, micros
from tests.endtoend.dispatch_rules import SECOND
from tests.endtoend.handler import wall
from tests.endtoend.server import Server

TASKS = 1000
WORKERS = 4


@pytest.fixture(scope="module")
def beta(server: Server) -> Iterator[GoogleClient]:
    with GoogleClient(server.address, "v2beta2") as client:
        yield client


def create_pull_queue(client: GoogleClient, queue: str) -> None:
    client.call("create_queue", parent=LOCATION, queue={"name": queue_name(queue), "pull_target": {}})


def lease(client: GoogleClient, queue: str, number: int, seconds: int, **fields: Any) -> list[Any]:
    parent = queue_name(queue)
    answer = client.call(
        "lease_tasks", parent=parent, max_tasks=number, lease_duration=f"{seconds}s", response_view="FULL", **fields
    )
    return list(answer["tasks"])


def acknowledge(client: GoogleClient, task: Any) -> None:
    client.call("acknowledge_task", name=task["name"], schedule_time=task["schedule_time"])


def test_many_workers_get_every_task_once(beta: GoogleClient) -> None:
    create_pull_queue(beta, "shared")
    payloads = [base64.b64encode(str(number).encode()).decode() for number in range(TASKS)]
    futures = [
        beta.submit("create_task", parent=queue_name("shared"), task={"pull_message": {"payload": payload, "tag": "a"}})
        for payload in payloads
    ]
    assert {future.result().code for future in futures} == {"OK"}

    def work(_: int) -> list[str]:
        done = []
        while tasks := lease(beta, "shared", 37, 600):
            for task in tasks:
                assert micros(task["schedule_time"]) > wall() + 500 * SECOND
                acknowledge(beta, task)
                done.append(task["pull_message"]["payload"])
        return done

    with ThreadPoolExecutor(WORKERS) as pool:
        done = [payload for part in pool.map(work, range(WORKERS)) for payload in part]
    assert Counter(done) == Counter(payloads)
    assert beta.call("list_tasks", parent=queue_name("shared")) == []


def test_a_lease_that_was_given_back_or_has_run_out_goes_to_the_next_worker(beta: GoogleClient) -> None:
    create_pull_queue(beta, "returned")
    for _ in range(2):
        beta.call("create_task", parent=queue_name("returned"), task={"pull_message": {"payload": "AA=="}})
    first, second = lease(beta, "returned", 10, 600)
    assert lease(beta, "returned", 10, 600) == []
    beta.call("cancel_lease", name=first["name"], schedule_time=first["schedule_time"])
    renewed = beta.call("renew_lease", name=second["name"], schedule_time=second["schedule_time"], lease_duration="1s")
    again: list[Any] = []
    while len(again) < 2:
        again += lease(beta, "returned", 10, 600)
    assert [task["name"] for task in again] == [first["name"], second["name"]]
    assert wall() >= micros(renewed["schedule_time"])
    assert [task["status"]["attempt_dispatch_count"] for task in again] == [2, 2]

    late = beta.reply("acknowledge_task", name=second["name"], schedule_time=renewed["schedule_time"])
    assert late.code == "FAILED_PRECONDITION"
    for task in again:
        acknowledge(beta, task)
    assert (
        beta.reply("acknowledge_task", name=first["name"], schedule_time=again[0]["schedule_time"]).code == "NOT_FOUND"
    )
