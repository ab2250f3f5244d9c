"""``--operation-log``: what a server writes about the queues that ask for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.endtoend.calls import create_queue, create_task, is_gone, queue_name
from tests.endtoend.client import GoogleClient, rfc3339
from tests.endtoend.dispatch_rules import SECOND, Retries
from tests.endtoend.handler import Handler, wall
from tests.endtoend.server import Server
from tests.endtoend.waiting import eventually


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("server")
    with Server(directory, "--operation-log", str(directory / "operations.log")) as server:
        yield server.start()


def entries(path: Path) -> list[tuple[str, Any]]:
    """What was logged: the kind and the details of each line."""
    payloads = [json.loads(line)["jsonPayload"] for line in path.read_text().splitlines()]
    return [(kind, details) for payload in payloads for kind, details in payload.items() if kind.endswith("Log")]


def test_a_queue_that_samples_all_has_every_operation_in_the_file(
    client: GoogleClient, handler: Handler, server: Server
) -> None:
    create_queue(client, "told", Retries(0.05), stackdriver_logging_config={"sampling_ratio": 1})
    create_queue(client, "untold")
    task = create_task(client, "told", handler.url("503,200"))
    silent = create_task(client, "untold", handler.url("200"))
    for queue, each in (("told", task), ("untold", silent)):
        eventually("the task is done", lambda queue=queue, each=each: is_gone(client, queue, each))  # type: ignore[misc]
    later = create_task(client, "told", handler.url("200"), schedule_time=rfc3339(wall() + 3600 * SECOND))
    client.call("delete_task", name=f"{queue_name('told')}/tasks/{later}")
    assert server.stop() == 0

    lines = (server.directory / "operations.log").read_text()
    assert "untold" not in lines
    assert sorted(kind for kind, _ in entries(server.directory / "operations.log")) == [
        "attemptDispatchLog",
        "attemptDispatchLog",
        "attemptResponseLog",
        "attemptResponseLog",
        "taskCreationLog",
        "taskCreationLog",
        "taskDeletionLog",
    ]
    answers = [
        details for kind, details in entries(server.directory / "operations.log") if kind == "attemptResponseLog"
    ]
    assert [each["status"] for each in answers] == ["UNAVAILABLE", "OK"]
    assert "retryTime" in answers[0]
    assert answers[0]["targetAddress"] == f"POST {handler.url('503,200')}"


def test_a_log_that_cannot_be_opened_ends_the_server_with_one_line(tmp_path: Path) -> None:
    with Server(tmp_path, "--operation-log", str(tmp_path / "nowhere" / "operations.log")) as server:
        server.spawn()
        assert server.wait() == 1
        (line,) = server.output().splitlines()
        assert "cannot open the operation log" in line
        assert "No such file or directory" in line
