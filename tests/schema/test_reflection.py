from typing import Any

import pytest
from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from tidegate.core.errors import Code
from tidegate.schema import v2
from tidegate.schema.reflection import PATHS, REQUEST, Catalogue, ReflectedMethod, Renaming, add_service
from tidegate.schema.reflection.messages import ExtensionRequest, FileDescriptorResponse
from tidegate.schema.versions import VERSIONS

CATALOGUE = Catalogue()


def ask(**question: Any) -> Any:
    return CATALOGUE.answer(REQUEST(host="h", **question))


def files(**question: Any) -> list[FileDescriptorProto]:
    found = ask(**question).file_descriptor_response.file_descriptor_proto
    return [FileDescriptorProto.FromString(each) for each in found]


def pool_of(symbol: str) -> DescriptorPool:
    """What a client knows that has asked for one symbol and nothing else."""
    found = {file.name: file for file in files(file_containing_symbol=symbol)}
    pool = DescriptorPool()

    def add(name: str) -> None:
        file = found.pop(name, None)
        if file is not None:
            for needed in file.dependency:
                add(needed)
            pool.AddSerializedFile(file.SerializeToString())

    for name in list(found):
        add(name)
    return pool


def test_all_services_are_listed() -> None:
    answer = ask(list_services="*")
    assert [service.name for service in answer.list_services_response.service] == [
        "google.cloud.location.Locations",
        "google.cloud.tasks.v2.CloudTasks",
        "google.cloud.tasks.v2beta2.CloudTasks",
        "google.cloud.tasks.v2beta3.CloudTasks",
        "google.longrunning.Operations",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        "tidegate.operator.v1.Operator",
    ]
    assert answer.valid_host == "h"
    assert answer.original_request.list_services == "*"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_service_is_told_with_everything_it_needs(version: str) -> None:
    module = VERSIONS[version]
    service = pool_of(f"google.cloud.tasks.{version}.CloudTasks").FindServiceByName(
        f"google.cloud.tasks.{version}.CloudTasks"
    )
    rows = [row for row in module.CloudTasks.rpcs if row.grpc]
    assert [method.name for method in service.methods] == [row.rpc_name for row in rows]
    for method, row in zip(service.methods, rows, strict=True):
        assert method.input_type.full_name.rpartition(".")[2] == row.request_pb.DESCRIPTOR.name
        assert method.output_type.full_name.rpartition(".")[2] == row.response_pb.DESCRIPTOR.name


def test_rest_paths_are_told_too() -> None:
    (home,) = [file for file in files(file_containing_symbol="google.cloud.tasks.v2.CloudTasks") if file.service][:1]
    options = {method.name: method.options.Extensions[annotations_pb2.http] for method in home.service[0].method}
    assert options["CreateTask"].post == "/v2/{parent=projects/*/locations/*/queues/*}/tasks"
    assert options["CreateTask"].body == "*"
    assert options["UpdateQueue"].patch == "/v2/{queue.name=projects/*/locations/*/queues/*}"
    assert options["GetTask"].body == ""


@pytest.mark.parametrize("version", VERSIONS)
def test_none_of_our_own_names_shows(version: str) -> None:
    for file in files(file_containing_symbol=f"google.cloud.tasks.{version}.CloudTasks"):
        assert "tidegate" not in str(file)


def test_what_a_client_makes_of_it_carries_the_same_bytes() -> None:
    pool = pool_of("google.cloud.tasks.v2.CreateTaskRequest")
    theirs = GetMessageClass(pool.FindMessageTypeByName("google.cloud.tasks.v2.CreateTaskRequest"))
    sent = v2.CreateTaskRequest(
        parent="p", task={"http_request": {"url": "u", "headers": {"a": "b"}}, "schedule_time": "2030-01-01T00:00:00Z"}
    )
    read: Any = theirs.FromString(v2.CreateTaskRequest.serialize(sent))
    assert read.task.http_request.headers["a"] == "b"
    assert read.SerializeToString(deterministic=True) == v2.CreateTaskRequest.pb(sent).SerializeToString(
        deterministic=True
    )


@pytest.mark.parametrize(
    ("symbol", "name"),
    [("google.cloud.tasks.v2.Task", "httpRequest"), ("google.cloud.location.Location", "locationId")],
)
def test_the_names_of_fields_in_json_are_said(symbol: str, name: str) -> None:
    messages = {
        f"{file.package}.{message.name}": message
        for file in files(file_containing_symbol=symbol)
        for message in file.message_type
    }
    assert name in [field.json_name for field in messages[symbol].field]
    assert all(field.json_name for message in messages.values() for field in message.field)


def test_a_reserved_python_name_is_its_plain_self() -> None:
    queue = pool_of("google.cloud.tasks.v2beta3.Queue").FindMessageTypeByName("google.cloud.tasks.v2beta3.Queue")
    assert queue.fields_by_number[11].name == "type"


@pytest.mark.parametrize(
    "symbol",
    [
        "google.cloud.tasks.v2.CloudTasks.CreateTask",
        "google.cloud.tasks.v2.HttpMethod",
        "google.cloud.tasks.v2.POST",
        "google.cloud.tasks.v2.Task.View",
        "google.cloud.tasks.v2.Task.name",
        "google.cloud.tasks.v2.HttpRequest.HeadersEntry",
        "google.longrunning.Operations",
        "google.protobuf.Timestamp",
        "google.api.http",
        "grpc.reflection.v1alpha.ServerReflection",
    ],
)
def test_every_kind_of_symbol_is_found(symbol: str) -> None:
    assert files(file_containing_symbol=symbol)


def test_a_file_is_found_by_its_name() -> None:
    found = files(file_by_filename="google/cloud/tasks/v2/task.proto")
    assert found[0].package == "google.cloud.tasks.v2"
    assert {message.name for message in found[0].message_type} == {"Task", "Attempt"}


def test_an_extension_is_found_by_its_number() -> None:
    extension = ExtensionRequest.pb()(containing_type="google.protobuf.MethodOptions", extension_number=72295728)
    assert files(file_containing_extension=extension)[0].name == "google/api/annotations.proto"
    numbers = ask(all_extension_numbers_of_type="google.protobuf.MethodOptions").all_extension_numbers_response
    assert numbers.base_type_name == "google.protobuf.MethodOptions"
    assert 72295728 in numbers.extension_number
    assert not ask(
        all_extension_numbers_of_type="google.cloud.tasks.v2.Task"
    ).all_extension_numbers_response.extension_number


@pytest.mark.parametrize(
    "question",
    [
        {"file_by_filename": "nothing.proto"},
        {"file_containing_symbol": "tidegate.v2.Task"},
        {"file_containing_symbol": ""},
        {"file_containing_extension": {"containing_type": "google.cloud.tasks.v2.Task", "extension_number": 1}},
        {"all_extension_numbers_of_type": "not.Known"},
    ],
)
def test_what_is_not_there_is_not_found(question: dict[str, Any]) -> None:
    assert ask(**question).error_response.error_code == Code.NOT_FOUND


def test_asking_nothing_is_an_error() -> None:
    assert ask().error_response.error_code == Code.INVALID_ARGUMENT


def test_both_versions_of_reflection_describe_themselves() -> None:
    assert PATHS == (
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    )
    for path in PATHS:
        name = path[1:].partition("/")[0]
        (method,) = pool_of(name).FindServiceByName(name).methods
        assert method.client_streaming
        assert method.server_streaming


def test_further_services_can_be_described() -> None:
    renaming = Renaming("tidegate.reflection", "example.v1")
    file = renaming.file(FileDescriptorResponse.pb())
    add_service(
        file, "Echo", [ReflectedMethod("Say", FileDescriptorResponse.pb(), FileDescriptorResponse.pb())], renaming
    )
    catalogue = Catalogue([file])
    assert "example.v1.Echo" in catalogue.services
    answer = catalogue.answer(REQUEST(file_containing_symbol="example.v1.Echo.Say"))
    assert len(answer.file_descriptor_response.file_descriptor_proto) == 1


def test_the_messages_have_the_published_numbers() -> None:
    proto = DescriptorProto()
    REQUEST.DESCRIPTOR.CopyToProto(proto)
    assert {field.name: field.number for field in proto.field} == {
        "host": 1,
        "file_by_filename": 3,
        "file_containing_symbol": 4,
        "file_containing_extension": 5,
        "all_extension_numbers_of_type": 6,
        "list_services": 7,
    }
