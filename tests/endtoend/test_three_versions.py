"""Google's Python clients of v2, v2beta2 and v2beta3 on one server: each sees what the others made, in its words."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from tests.endtoend.calls import LOCATION, queue_name
from tests.endtoend.client import GoogleClient, micros
from tests.endtoend.dispatch_rules import SECOND
from tests.endtoend.handler import Handler, wall
from tests.endtoend.server import Server
from tests.endtoend.waiting import eventually

V2, BETA2, BETA3 = "v2", "v2beta2", "v2beta3"


@pytest.fixture(scope="module")
def clients(server: Server) -> Iterator[dict[str, GoogleClient]]:
    with (
        GoogleClient(server.address, V2) as v2,
        GoogleClient(server.address, BETA2) as beta2,
        GoogleClient(server.address, BETA3) as beta3,
    ):
        yield {V2: v2, BETA2: beta2, BETA3: beta3}


RATE = {V2: "max_dispatches_per_second", BETA2: "max_tasks_dispatched_per_second", BETA3: "max_dispatches_per_second"}
CONCURRENCY = {V2: "max_concurrent_dispatches", BETA2: "max_concurrent_tasks", BETA3: "max_concurrent_dispatches"}


@pytest.mark.parametrize("maker", [V2, BETA2, BETA3])
def test_a_queue_of_one_version_is_changed_used_and_emptied_through_all(
    clients: dict[str, GoogleClient], handler: Handler, maker: str
) -> None:
    queue, parent = f"of-{maker}", queue_name(f"of-{maker}")
    limits = {RATE[maker]: 50.0, CONCURRENCY[maker]: 7}
    retry = {"min_backoff": "0.05s", "max_backoff": "0.05s"} | (
        {"unlimited_attempts": True} if maker == BETA2 else {"max_attempts": -1}
    )
    made = {"name": parent, "rate_limits": limits, "retry_config": retry}
    clients[maker].call("create_queue", parent=LOCATION, queue=made)

    seen = {version: client.call("get_queue", name=parent) for version, client in clients.items()}
    for version, shown in seen.items():
        limits = shown["rate_limits"]
        assert (limits[RATE[version]], limits[CONCURRENCY[version]], limits["max_burst_size"]) == (50.0, 7, 10)
        assert shown["retry_config"]["min_backoff"] == "0.050s"
    assert [seen[version]["retry_config"].get("max_attempts") for version in seen] == [-1, None, -1]
    assert seen[BETA2]["retry_config"]["unlimited_attempts"] is True
    assert seen[BETA3]["type_"] == "PUSH"
    assert "pull_target" not in seen[BETA2]

    # Each version changes one thing, and none undoes what another changed.
    clients[V2].call(
        "update_queue",
        queue={"name": parent, "retry_config": {"max_attempts": 5}},
        update_mask="retryConfig.maxAttempts",
    )
    clients[BETA2].call(
        "update_queue",
        queue={"name": parent, "rate_limits": {RATE[BETA2]: 60}},
        update_mask=f"rateLimits.{camel(RATE[BETA2])}",
    )
    clients[BETA3].call(
        "update_queue",
        queue={"name": parent, "rate_limits": {"max_burst_size": 33}},
        update_mask="rateLimits.maxBurstSize",
    )
    for version, client in clients.items():
        shown = client.call("get_queue", name=parent)
        limits = shown["rate_limits"]
        assert (limits[RATE[version]], limits[CONCURRENCY[version]], limits["max_burst_size"]) == (60.0, 7, 33)
        assert shown["retry_config"]["max_attempts"] == 5

    # Tasks of all versions wait side by side, and each version shows and counts all of them.
    clients[V2].call("pause_queue", name=parent)
    tasks = {f"{parent}/tasks/{version}" for version in clients}
    for version, client in clients.items():
        request = {"url": handler.url("500,200", f"/{queue}/{version}"), "body": base64.b64encode(b"hello").decode()}
        client.call("create_task", parent=parent, task={"name": f"{parent}/tasks/{version}", "http_request": request})
    for client in clients.values():
        assert {task["name"] for task in client.call("list_tasks", parent=parent)} == tasks
    for version in (BETA2, BETA3):
        assert stats(clients[version], parent)["tasks_count"] == "3"
        assert stats(clients[version], parent)["effective_execution_rate"] == 0

    # They are delivered, a failure is told in each version's words, and all are gone for all.
    clients[BETA2].call("resume_queue", name=parent)
    eventually(
        "all are delivered", lambda: all(not client.call("list_tasks", parent=parent) for client in clients.values())
    )
    for version in (BETA2, BETA3):
        counted = stats(clients[version], parent)
        assert (counted["tasks_count"], counted["executed_last_minute_count"]) == ("0", "6")
        assert counted["effective_execution_rate"] > 0
    for version, client in clients.items():
        again = {"name": f"{parent}/tasks/{version}", "http_request": {"url": handler.url("200")}}
        for other in clients.values():
            assert other.reply("create_task", parent=parent, task=again).code == "ALREADY_EXISTS"
        assert client.call("get_queue", name=parent)["state"] == "RUNNING"
    clients[BETA3].call("delete_queue", name=parent)
    assert {client.reply("get_queue", name=parent).code for client in clients.values()} == {"NOT_FOUND"}


def test_attempts_are_told_in_each_versions_words(clients: dict[str, GoogleClient], handler: Handler) -> None:
    parent = queue_name("told")
    retry = {"min_backoff": "3600s", "max_backoff": "3600s"}
    clients[BETA3].call("create_queue", parent=LOCATION, queue={"name": parent, "retry_config": retry})
    name = f"{parent}/tasks/t"
    request = {"url": handler.url("404"), "http_method": "PUT"}
    clients[BETA2].call("create_task", parent=parent, task={"name": name, "http_request": request})

    def status(version: str) -> Any:
        return clients[version].call("get_task", name=name)

    eventually("the attempt is recorded", lambda: status(V2)["response_count"] == 1)
    v2, beta2, beta3 = status(V2), status(BETA2)["status"], status(BETA3)
    assert (v2["dispatch_count"], beta2["attempt_dispatch_count"], beta3["dispatch_count"]) == (1, 1, 1)
    assert beta2["attempt_response_count"] == beta3["response_count"] == 1
    assert v2["last_attempt"] == beta3["last_attempt"] == beta2["last_attempt_status"]
    assert v2["first_attempt"] == beta3["first_attempt"] == beta2["first_attempt_status"]
    assert {status(version)["http_request"]["http_method"] for version in clients} == {"PUT"}


@pytest.mark.parametrize("maker", [BETA2, BETA3])
def test_a_pull_queue_is_hidden_from_v2_and_shared_by_the_others(clients: dict[str, GoogleClient], maker: str) -> None:
    v2, beta2, beta3 = clients[V2], clients[BETA2], clients[BETA3]
    parent = queue_name(f"pull-of-{maker}")
    kind: dict[str, Any] = {"pull_target": {}} if maker == BETA2 else {"type_": "PULL"}
    clients[maker].call("create_queue", parent=LOCATION, queue={"name": parent, **kind})
    assert beta3.call("get_queue", name=parent)["type_"] == "PULL"
    assert "pull_target" in beta2.call("get_queue", name=parent)

    payload = base64.b64encode(b"work").decode()
    name = f"{parent}/tasks/t"
    beta3.call("create_task", parent=parent, task={"name": name, "pull_message": {"payload": payload, "tag": "x"}})
    (leased,) = beta2.call("lease_tasks", parent=parent, lease_duration="600s", filter="tag=x", response_view="FULL")[
        "tasks"
    ]
    assert leased["pull_message"] == {"payload": payload, "tag": "x"}
    shown = beta3.call("get_task", name=name)
    assert shown["schedule_time"] == leased["schedule_time"]
    assert micros(shown["schedule_time"]) > wall() + 500 * SECOND
    assert shown["dispatch_count"] == 1

    assert parent not in {queue["name"] for queue in v2.call("list_queues", parent=LOCATION)}
    task = {"http_request": {"url": "http://127.0.0.1:9/"}}
    refusals = [
        v2.reply("get_queue", name=parent),
        v2.reply("update_queue", queue={"name": parent}),
        v2.reply("pause_queue", name=parent),
        v2.reply("resume_queue", name=parent),
        v2.reply("purge_queue", name=parent),
        v2.reply("delete_queue", name=parent),
        v2.reply("list_tasks", parent=parent),
        v2.reply("create_task", parent=parent, task=task),
        v2.reply("get_task", name=name),
        v2.reply("run_task", name=name),
    ]
    assert {reply.code for reply in refusals} == {"NOT_FOUND"}
    assert stats(beta3, parent)["tasks_count"] == "1"

    beta2.call("acknowledge_task", name=name, schedule_time=leased["schedule_time"])
    assert beta3.reply("get_task", name=name).code == "NOT_FOUND"
    assert stats(beta2, parent)["tasks_count"] == "0"


def stats(client: GoogleClient, queue: str) -> Any:
    return client.call("get_queue", name=queue, read_mask="stats")["stats"]


def camel(path: str) -> str:
    first, *others = path.split("_")
    return first + "".join(word.capitalize() for word in others)
