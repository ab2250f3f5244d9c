"""Bad names, over the wire: codes, texts and details arrive as the service sends them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2
from tests.conformance.cloud import ROWS, Cloud, Grpc, Refusal, Wire

from tidegate.schema.rpc import Rpc

ROUTED = [
    pytest.param(version, row, id=f"{version}-{name}")
    for version, rows in ROWS.items()
    for name, row in rows.items()
    if row.grpc and row.routing_field
]
"""REST has no path for such names; there they are unknown paths."""
INFO = "type.googleapis.com/google.rpc.ErrorInfo"


def refusal_for(wires: Mapping[str, Wire], version: str, row: Rpc[Any, Any], name: str) -> Refusal:
    """How a call is refused that says nothing but where it goes."""
    field = str(row.routing_field)
    fields: dict[str, Any] = {field: name}
    if "." in field:
        outer, inner = field.split(".")
        fields = {outer: {inner: name}}
    return Cloud(wires["grpc"], version, "p").refused(row.rpc_name, **fields)


@pytest.mark.parametrize(("version", "row"), ROUTED)
def test_an_empty_name_is_no_resource(wires: Mapping[str, Wire], version: str, row: Rpc[Any, Any]) -> None:
    assert refusal_for(wires, version, row, "") == (
        "INVALID_ARGUMENT",
        "Invalid resource field value in the request.",
        [
            {
                "@type": INFO,
                "reason": "RESOURCE_PROJECT_INVALID",
                "domain": "googleapis.com",
                "metadata": {"method": row.full_name, "service": "cloudtasks.googleapis.com"},
            }
        ],
    )


@pytest.mark.parametrize(("version", "row"), ROUTED)
def test_a_name_without_a_project_is_denied(wires: Mapping[str, Wire], version: str, row: Rpc[Any, Any]) -> None:
    text = "Permission denied on resource project nonsense."
    code, message, details = refusal_for(wires, version, row, "nonsense")
    assert (code, message) == ("PERMISSION_DENIED", text)
    assert details == [
        {
            "@type": INFO,
            "reason": "CONSUMER_INVALID",
            "domain": "googleapis.com",
            "metadata": {
                "consumer": "projects/nonsense",
                "containerInfo": "nonsense",
                "service": "cloudtasks.googleapis.com",
            },
        },
        {"@type": "type.googleapis.com/google.rpc.LocalizedMessage", "locale": "en-US", "message": text},
        {
            "@type": "type.googleapis.com/google.rpc.Help",
            "links": [{"description": "Google developers console", "url": "https://console.developers.google.com"}],
        },
    ]


def test_bad_ids_are_refused_alike(cloud: Cloud) -> None:
    reference = "https://cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues"
    queue = cloud.refused("GetQueue", name=f"{cloud.location}/queues/a_b")
    assert queue.code == "INVALID_ARGUMENT"
    assert queue.message == (
        'Queue ID "a_b" can contain only letters ([A-Za-z]), numbers ([0-9]), or hyphens (-). '
        "Queue ID must be between 1 and 100 characters."
    )
    assert queue.details[0]["links"] == [
        {"description": "Definition of queue ID", "url": f"{reference}#Queue.FIELDS.name"}
    ]
    task = cloud.refused("GetTask", name=f"{cloud.queue}/tasks/a.b")
    assert task.code == "INVALID_ARGUMENT"
    assert task.message == (
        'Task ID "a.b" can contain only letters ([A-Za-z]), numbers ([0-9]), hyphens (-), or underscores (_). '
        "Task ID must between 1 and 500 characters."
    )
    assert task.details[0]["links"] == [
        {"description": "Definition of task ID", "url": f"{reference}.tasks#Task.FIELDS.name"}
    ]


@pytest.mark.parametrize("method", ["ListOperations", "WaitOperation", "CancelOperation", "DeleteOperation"])
def test_other_methods_of_operations_are_for_nobody(wires: Mapping[str, Wire], method: str) -> None:
    wire = wires["grpc"]
    assert isinstance(wire, Grpc)
    call: Any = wire.channel.unary_unary(
        f"/google.longrunning.Operations/{method}", request_serializer=lambda message: message.SerializeToString()
    )
    with pytest.raises(grpc.RpcError) as refused:
        call(getattr(operations_pb2, f"{method}Request")(name="projects/p/locations/l/operations/o"))
    error: Any = refused.value
    assert error.code() is grpc.StatusCode.PERMISSION_DENIED
    assert error.details() == (
        "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other "
        "form of API consumer identity to call this API."
    )
