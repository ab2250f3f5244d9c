"""App Engine tasks over the wire: ``--app-engine SERVICE=URL`` says where each service answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.endtoend.calls import create_queue, get_task, is_gone, queue_name
from tests.endtoend.client import GoogleClient
from tests.endtoend.dispatch_rules import Retries
from tests.endtoend.handler import Arrival, Handler
from tests.endtoend.server import Server
from tests.endtoend.waiting import eventually

USER_AGENT = "AppEngine-Google; (+http://code.google.com/appengine)"


@pytest.fixture(scope="module")
def worker() -> Iterator[Handler]:
    """Another service's handler."""
    with Handler() as handler:
        yield handler


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, handler: Handler, worker: Handler) -> Iterator[Server]:
    flags = []
    for entry in (f"default=http://localhost:{handler.port}", f"v2.worker=http://localhost:{worker.port}/200"):
        flags += ["--app-engine", entry]
    # Forbidding everything shows that App Engine is not bound by it.
    with Server(tmp_path_factory.mktemp("server"), *flags, "--egress", "!0.0.0.0/0,!::/0") as server:
        yield server.start()
        assert server.stop() == 0
        assert server.complaints() == []


def created(client: GoogleClient, queue: str, uri: str, **request: Any) -> tuple[Any, str]:
    task = {"app_engine_http_request": {"relative_uri": uri, **request}}
    answer = client.call("create_task", parent=queue_name(queue), task=task)
    return answer, answer["name"].rsplit("/", 1)[1]


def arrivals(handler: Handler, task: str) -> list[Arrival]:
    """Attempts are told apart by App Engine's own headers; the handler knows only the others."""
    return [each for each in handler.arrivals("", "") if each.header("X-AppEngine-TaskName") == task]


def test_a_task_reaches_the_default_service_with_its_headers(client: GoogleClient, handler: Handler) -> None:
    create_queue(client, "plain")
    answer, task = created(client, "plain", "/200/work?n=1")
    assert answer["app_engine_http_request"]["app_engine_routing"]["host"] == "p.appspot.com"
    eventually("it is done", lambda: is_gone(client, "plain", task))
    (arrival,) = arrivals(handler, task)
    assert (arrival.method, arrival.path) == ("POST", "/200/work?n=1")
    headers = {name.lower(): value for name, value in arrival.headers}
    assert headers["host"] == f"localhost:{handler.port}"
    assert headers["user-agent"] == USER_AGENT
    assert headers["x-appengine-queuename"] == "plain"
    assert headers["x-appengine-taskretrycount"] == headers["x-appengine-taskexecutioncount"] == "0"
    assert not [name for name in headers if name.startswith("x-cloudtasks")]


def test_a_version_of_a_service_has_its_own_address(client: GoogleClient, handler: Handler, worker: Handler) -> None:
    create_queue(client, "routed")
    _, there = created(client, "routed", "/200", app_engine_routing={"service": "worker", "version": "v2"})
    _, unknown = created(client, "routed", "/200", app_engine_routing={"service": "other"})
    for task in (there, unknown):
        eventually("it is done", lambda task=task: is_gone(client, "routed", task))  # type: ignore[misc]
    (arrival,) = arrivals(worker, there)
    assert arrival.path == "/200/200"
    assert len(arrivals(handler, unknown)) == 1  # what is not listed goes to default


def test_the_queues_routing_beats_the_tasks_also_for_one_that_waits(
    client: GoogleClient, handler: Handler, worker: Handler
) -> None:
    create_queue(client, "overridden")
    client.call("pause_queue", name=queue_name("overridden"))
    _, task = created(client, "overridden", "/200", app_engine_routing={"service": "other"})
    override = {"service": "worker", "version": "v2"}
    client.call(
        "update_queue",
        queue={"name": queue_name("overridden"), "app_engine_routing_override": override},
        update_mask="appEngineRoutingOverride",
    )
    client.call("resume_queue", name=queue_name("overridden"))
    eventually("it is done", lambda: is_gone(client, "overridden", task))
    assert len(arrivals(worker, task)) == 1
    assert arrivals(handler, task) == []


def test_only_app_engine_passes_by_the_egress_rules(client: GoogleClient, handler: Handler) -> None:
    create_queue(client, "forbidden", Retries(min_backoff=3600))
    task = {"http_request": {"url": handler.url("200")}}
    answer = client.call("create_task", parent=queue_name("forbidden"), task=task)
    task_id = answer["name"].rsplit("/", 1)[1]

    def ended() -> bool:
        return "response_time" in get_task(client, "forbidden", task_id).get("last_attempt", {})

    eventually("the attempt ends", ended)
    status = get_task(client, "forbidden", task_id)["last_attempt"]["response_status"]
    assert status["message"].startswith("PERMISSION_DENIED(7): ")
    assert handler.arrived("forbidden", task_id) == 0
