"""The operator's service as it travels: its rows, its names, what reflection says of it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from tests.schema.test_reflection import files, pool_of

from tidegate.core.operator_names import OPERATOR_SHAPES
from tidegate.schema import operator
from tidegate.schema.declare import Message
from tidegate.schema.limits import IMPORT_SIZE_MAX, size_of
from tidegate.schema.names import google_name, pack, unpack
from tidegate.schema.operator import Operator
from tidegate.schema.rpc import Rpc
from tidegate.schema.transcoding import Router
from tidegate.schema.transcoding.path import Template

SERVICE = "tidegate.operator.v1.Operator"
KINDS = [kind for name in operator.__all__ if isinstance(kind := getattr(operator, name), type)]
MESSAGES = [kind.pb().DESCRIPTOR for kind in KINDS if issubclass(kind, Message)]
ROUTER = Router(Operator.rpcs)


@pytest.mark.parametrize("row", Operator.rpcs, ids=lambda row: row.name)
def test_every_row_says_who_may_call_it_and_where_it_answers(row: Rpc[Any, Any]) -> None:
    assert row.permission is not None
    assert re.fullmatch(r"(tidegate|cloudtasks)\.[a-zA-Z]+\.[a-zA-Z]+", row.permission)
    for rule in row.bindings:
        assert rule.path.startswith("/operator/v1/")
        template = Template.parse(rule.path)
        values = {name: "/".join(template.segments[start:end]) for name, start, end in template.variables}
        assert all(pattern in OPERATOR_SHAPES for pattern in values.values())
        path = template.write({name: pattern.replace("*", "x") for name, pattern in values.items()})
        assert path is not None
        match = ROUTER.match(rule.verb, path)
        assert match is not None
        assert match.row is row


@pytest.mark.parametrize("row", Operator.rpcs, ids=lambda row: row.name)
def test_the_arguments_of_a_client_are_fields_of_the_request(row: Rpc[Any, Any]) -> None:
    assert set(row.fields) <= set(row.request_pb.DESCRIPTOR.fields_by_name)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.name)
def test_spans_and_moments_and_sizes_are_typed(message: Any) -> None:
    for field in message.fields:
        if field.name.endswith("_time") or field.name == "time":
            kind = field.message_type.full_name
            assert kind == "google.protobuf.Timestamp" or (message.name, field.name) == (
                "PreviewRetriesResponse",
                "drain_time",
            )
        if field.name.endswith("_bytes"):
            assert field.type == FieldDescriptor.TYPE_INT64
        assert field.message_type is None or field.message_type.full_name != "google.protobuf.Any"


def test_its_messages_keep_their_names_and_those_of_cloud_tasks_get_googles() -> None:
    dead = operator.DeadTask.pb()
    assert google_name(dead.DESCRIPTOR) == "tidegate.operator.v1.DeadTask"
    assert google_name(dead.DESCRIPTOR.fields_by_name["task"].message_type) == "google.cloud.tasks.v2beta3.Task"
    packed = pack(operator.BulkResult.pb(operator.BulkResult(matched=3)))
    assert packed.type_url == "type.googleapis.com/tidegate.operator.v1.BulkResult"
    assert unpack(packed).matched == 3


def test_reflection_tells_the_service_with_all_that_it_needs() -> None:
    service = pool_of(SERVICE).FindServiceByName(SERVICE)
    assert [method.name for method in service.methods] == [row.rpc_name for row in Operator.rpcs]
    for method, row in zip(service.methods, Operator.rpcs, strict=True):
        assert method.input_type.full_name == row.request_pb.DESCRIPTOR.full_name
        assert (method.client_streaming, method.server_streaming) == (False, row.streams)
    task: Any = service.methods_by_name["GetDeadTask"].output_type.fields_by_name["task"].message_type
    assert task.full_name == "google.cloud.tasks.v2beta3.Task"
    names = [file.name for file in files(file_containing_symbol=SERVICE)]
    assert "tidegate/operator/v1/server.proto" in names
    assert "google/cloud/tasks/v2beta3/task.proto" in names


def test_an_import_may_be_long() -> None:
    assert size_of("import_state") == IMPORT_SIZE_MAX
