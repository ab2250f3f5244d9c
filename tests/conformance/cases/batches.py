"""Batches of tasks, and their operations."""

from __future__ import annotations

from typing import Any

from tests.conformance.cases.tables import HTTP, NOT_FOUND, answered, ids, refused
from tests.conformance.cloud import Cloud, message_class


def unpacked(cloud: Cloud, packed: Any, name: str) -> Any:
    """What is in an Any, which must be of that type."""
    assert packed.type_url == f"type.googleapis.com/google.cloud.tasks.{cloud.version}.{name}"
    return message_class(cloud.version, name).deserialize(packed.value)


@answered("BatchCreateTasks", "GetOperation")
def a_batch_of_creates_is_an_operation_that_has_ended(cloud: Cloud) -> None:
    cloud.create_queue()
    cloud("PauseQueue", name=cloud.queue)
    entries = [
        {"parent": cloud.queue, "task": {"http_request": HTTP}, "response_view": "FULL"},
        {"parent": cloud.queue, "task": {}},
    ]
    operation = cloud("BatchCreateTasks", parent=cloud.queue, requests=entries, request_id="mine")
    assert operation.name == f"{cloud.location}/operations/mine"
    assert operation.done
    metadata = unpacked(cloud, operation.metadata, "BatchCreateTasksMetadata")
    assert metadata.state.name == "PARTIALLY_SUCCEEDED"
    assert metadata.start_time < metadata.end_time
    failed = {index: (each.code, each.message) for index, each in metadata.failed_requests.items()}
    assert failed == {1: (3, "Payload type must be set.")}
    (task,) = unpacked(cloud, operation.response, "BatchCreateTasksResponse").tasks
    assert task.http_request.body == b"hello"
    assert cloud("GetOperation", name=operation.name) == operation


@refused("BatchCreateTasks")
def a_batch_is_not_made_twice(cloud: Cloud) -> None:
    cloud.create_queue()
    batch = {"parent": cloud.queue, "requests": [{"parent": cloud.queue, "task": {}}], "request_id": "mine"}
    cloud("BatchCreateTasks", **batch)
    refusal = cloud.refused("BatchCreateTasks", **batch)
    assert refusal == ("INVALID_ARGUMENT", "Duplicate operation id in the batch request: mine", [])


@refused("BatchCreateTasks", "BatchDeleteTasks")
def a_batch_holds_something(cloud: Cloud) -> None:
    refusal = cloud.refused("BatchCreateTasks", parent=cloud.queue)
    assert refusal == ("INVALID_ARGUMENT", "Request must contain at least one task.", [])
    refusal = cloud.refused("BatchDeleteTasks", parent=cloud.queue)
    assert refusal == ("INVALID_ARGUMENT", "Request contains an invalid argument.", [])


@answered("BatchDeleteTasks")
def a_batch_of_deletes_is_an_operation_that_has_ended(cloud: Cloud) -> None:
    cloud.create_queue()
    cloud("PauseQueue", name=cloud.queue)
    cloud.create_task()
    operation = cloud("BatchDeleteTasks", parent=cloud.queue, names=[cloud.task, f"{cloud.queue}/tasks/none"])
    metadata = unpacked(cloud, operation.metadata, "BatchDeleteTasksMetadata")
    assert metadata.state.name == "PARTIALLY_SUCCEEDED"
    assert {index: each.message for index, each in metadata.failed_requests.items()} == {1: NOT_FOUND}
    assert operation.response.type_url == "type.googleapis.com/google.protobuf.Empty"
    assert ids(cloud("ListTasks", parent=cloud.queue)) == []


@refused("GetOperation")
def an_unknown_operation_is_not_found(cloud: Cloud) -> None:
    assert cloud.refused("GetOperation", name=f"{cloud.location}/operations/o") == ("NOT_FOUND", NOT_FOUND, [])
