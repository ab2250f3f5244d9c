"""Google's clients in other languages: every method they have, once, and the handler that gets their tasks."""

from __future__ import annotations

from typing import Any

import pytest
from tests.endtoend.handler import Handler
from tests.endtoend.official_programs import go_program, node_program, report
from tests.endtoend.server import Server

TRANSPORTS = ["grpc", "rest"]

EXPECTED: dict[str, Any] = {
    "createQueue": ["RUNNING", 15, 5],
    "createQueueTwice": "409 Queue already exists",
    "listQueues": True,
    "updateQueue": [7, 100_000_000],
    "pauseQueue": "PAUSED",
    "resumeQueue": "RUNNING",
    "getQueue": True,
    "setIamPolicy": ["user:a@example.com"],
    "getIamPolicy": "roles/cloudtasks.enqueuer",
    "testIamPermissions": ["cloudtasks.tasks.create"],
    "createTask": ["PUT", "yes", "BASIC"],
    "createTaskTwice": "409 Requested entity already exists",
    "getTask": ["tide", True],
    "getTaskMissing": "404 Requested entity was not found.",
    "listTasks": True,
    "runTask": 1,
    "deleteTask": "404 Requested entity was not found.",
    "createTaskBad": "400 HttpTarget.url must start with 'http://' or 'https://'.",
    "purgeQueue": True,
    "deleteQueue": "404 Requested entity was not found.",
}
LOCATIONS: dict[str, Any] = {"getLocation": "us-central1", "listLocations": True}
ONLY_IN_GO: dict[str, Any] = {
    "batchCreateTasks": ["batch-1", "batch-2"],
    "getOperation": True,
    "batchDeleteTasks": True,
    "updateCmekConfig": "",
    "getCmekConfig": True,
}


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_node_client_works(server: Server, handler: Handler, transport: str) -> None:
    said = report(node_program(), server.address, transport, handler.url("200"))
    assert said == EXPECTED | LOCATIONS
    check_deliveries(handler, f"node-{transport}")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_go_client_works(server: Server, handler: Handler, transport: str) -> None:
    said = report(go_program(), server.address, transport, handler.url("200"))
    assert said == EXPECTED | LOCATIONS | ONLY_IN_GO
    check_deliveries(handler, f"go-{transport}")


def check_deliveries(handler: Handler, queue: str) -> None:
    for task in ("now", "far"):
        (arrival,) = handler.arrivals(queue, task)
        assert (arrival.method, arrival.body, arrival.header("X-Made")) == ("PUT", b"tide", "yes")
    assert handler.arrived(queue, "deleted") == 0
