"""The files of our messages and services as they are known elsewhere: with Google's packages and file names.

A file is a FileDescriptorProto here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto

from tidegate.schema import operator
from tidegate.schema.names import GOOGLES, OURS
from tidegate.schema.reflection import messages
from tidegate.schema.rpc import HttpRule, Service
from tidegate.schema.versions import VERSIONS

OPERATOR_PACKAGE = "tidegate.operator.v1"


@dataclass(frozen=True, slots=True)
class ReflectedMethod:
    """A method of a service to be described; the message classes are raw."""

    name: str
    request: type[Any]
    response: type[Any]
    client_streams: bool = False
    server_streams: bool = False
    http: tuple[HttpRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Renaming:
    """A package of ours, and the name under which others know it. ``needed`` are those of packages that it uses."""

    ours: str
    public: str
    needed: tuple[Renaming, ...] = ()

    def file(self, kind: type[Any]) -> FileDescriptorProto:
        """The file in which a raw message class is declared, renamed throughout."""
        declared = kind.DESCRIPTOR.file
        file = FileDescriptorProto()
        declared.CopyToProto(file)
        file.name = self.file_name(declared)
        file.package = self.public
        file.dependency[:] = [self.file_name(needed) for needed in declared.dependencies]
        for message in file.message_type:
            self._rename(message)
        return file

    def file_name(self, file: Any) -> str:
        """``google/cloud/tasks/v2/task.proto`` for our module ``task``; files of other packages keep their names."""
        name: str = file.name
        for each in (self, *self.needed):
            if file.package == each.ours:
                return f"{each.public.replace('.', '/')}/{name.rpartition('/')[2]}"
        return name

    def type_name(self, full_name: str) -> str:
        """A type as descriptors refer to it: ``.google.cloud.tasks.v2.Task``."""
        for each in (self, *self.needed):
            prefix = f"{each.ours}."
            if full_name.startswith(prefix):
                return f".{each.public}." + full_name.removeprefix(prefix)
        return f".{full_name}"

    def _rename(self, message: DescriptorProto) -> None:
        for field in message.field:
            field.name = field.name.rstrip("_")  # Python's ``type_`` is ``type`` to everyone else
            if field.type_name:
                field.type_name = self.type_name(field.type_name.removeprefix("."))
        for nested in message.nested_type:
            self._rename(nested)


def add_service(file: FileDescriptorProto, name: str, methods: Iterable[ReflectedMethod], renaming: Renaming) -> None:
    """Put a service, its name without package, into a file, with what it needs."""
    service = file.service.add(name=name)
    for method in methods:
        described = service.method.add(name=method.name)
        described.input_type = renaming.type_name(method.request.DESCRIPTOR.full_name)
        described.output_type = renaming.type_name(method.response.DESCRIPTOR.full_name)
        for kind in (method.request, method.response):
            _need(file, renaming.file_name(kind.DESCRIPTOR.file))
        described.client_streaming = method.client_streams
        described.server_streaming = method.server_streams
        if method.http:
            _need(file, annotations_pb2.DESCRIPTOR.name)
            first, *others = method.http
            http = described.options.Extensions[annotations_pb2.http]
            _fill(http, first)
            for other in others:
                _fill(http.additional_bindings.add(), other)


def _need(file: FileDescriptorProto, name: str) -> None:
    if name != file.name and name not in file.dependency:
        file.dependency.append(name)


def _fill(http: Any, rule: HttpRule) -> None:
    setattr(http, rule.verb.lower(), rule.path)
    http.body = rule.body or ""


def name_in_json(file: FileDescriptorProto) -> None:
    """Say the name of every field in JSON, as protoc does: grpcurl takes an unsaid one for the plain name."""
    messages = list(file.message_type)
    for message in messages:
        messages += message.nested_type
    for field in (*(field for message in messages for field in message.field), *file.extension):
        if not field.json_name:
            first, *others = field.name.split("_")
            field.json_name = first + "".join(word[:1].upper() + word[1:] for word in others)


def version_files(version: str) -> list[FileDescriptorProto]:
    """The files of an API version, its CloudTasks service included."""
    module = VERSIONS[version]
    home = module.CreateTaskRequest.pb().DESCRIPTOR.file.name
    return _files(module, _renaming(version), module.CloudTasks, home)


def operator_files() -> list[FileDescriptorProto]:
    """The files of the operator's API, its service included."""
    renaming = Renaming(OPERATOR_PACKAGE, OPERATOR_PACKAGE, (_renaming("v2beta3"),))
    home = operator.Server.pb().DESCRIPTOR.file.name
    return _files(operator, renaming, operator.Operator, home)


def _renaming(version: str) -> Renaming:
    return Renaming(f"{OURS}{version}", f"{GOOGLES}{version}")


def _files(module: Any, renaming: Renaming, service: type[Service], home: str) -> list[FileDescriptorProto]:
    """The files of a module's messages; the one named ``home`` gets the service."""
    kinds = [getattr(module, name) for name in module.__all__]
    raw = [kind.pb() for kind in kinds if isinstance(kind, type) and hasattr(kind, "pb")]
    files = {kind.DESCRIPTOR.file.name: renaming.file(kind) for kind in raw}
    methods = [
        ReflectedMethod(row.rpc_name, row.request_pb, row.response_pb, server_streams=row.streams, http=row.bindings)
        for row in service.rpcs
        if row.grpc
    ]
    add_service(files[home], service.name.rpartition(".")[2], methods, renaming)
    return list(files.values())


def reflection_file(public: str) -> FileDescriptorProto:
    """The reflection service's own file, for ``grpc.reflection.v1`` or ``grpc.reflection.v1alpha``."""
    renaming = Renaming(messages.PACKAGE, public)
    request, response = messages.ServerReflectionRequest.pb(), messages.ServerReflectionResponse.pb()
    file = renaming.file(request)
    info = ReflectedMethod("ServerReflectionInfo", request, response, client_streams=True, server_streams=True)
    add_service(file, "ServerReflection", [info], renaming)
    return file
