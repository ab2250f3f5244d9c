"""What the reflection service answers from: files by name, by symbol and by extension."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from google.cloud.location import locations_pb2
from google.longrunning import operations_proto_pb2
from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FileDescriptorProto

from tidegate.core.errors import Code
from tidegate.schema.reflection.files import name_in_json, operator_files, reflection_file, version_files
from tidegate.schema.reflection.messages import ServerReflectionResponse
from tidegate.schema.versions import VERSIONS

REFLECTION = ("grpc.reflection.v1", "grpc.reflection.v1alpha")
PATHS = tuple(f"/{package}.ServerReflection/ServerReflectionInfo" for package in REFLECTION)
"""The gRPC paths at which clients ask; the same messages serve both."""

_Response: Any = ServerReflectionResponse.pb()


class Catalogue:
    """All services of a server, with the files that describe them.

    ``Catalogue()`` describes every API version, the operator's API, the mixins and reflection itself; ``more`` are
    files of further services, such as health.
    """

    def __init__(self, more: Iterable[FileDescriptorProto] = ()) -> None:
        described = [
            *(file for version in VERSIONS for file in version_files(version)),
            *operator_files(),
            *(reflection_file(package) for package in REFLECTION),
            _library_file(locations_pb2.DESCRIPTOR),
            _library_file(operations_proto_pb2.DESCRIPTOR),
            *more,
        ]
        self.services = sorted(f"{file.package}.{service.name}" for file in described for service in file.service)
        self._files = {file.name: file for file in described}
        for file in described:
            self._add_needed(file)
        for file in self._files.values():
            name_in_json(file)
        self._by_symbol = {symbol: file.name for file in self._files.values() for symbol in _symbols(file)}
        self._by_extension = {
            (extension.extendee.lstrip("."), extension.number): file.name
            for file in self._files.values()
            for extension in file.extension
        }

    def _add_needed(self, file: FileDescriptorProto) -> None:
        """What ``file`` depends on, if not there yet: only libraries are missing."""
        for name in file.dependency:
            if name not in self._files:
                self._files[name] = _library_file(descriptor_pool.Default().FindFileByName(name))
                self._add_needed(self._files[name])

    def answer(self, request: Any) -> Any:
        """The raw ServerReflectionResponse to a raw ServerReflectionRequest; never raises."""
        response = _Response(valid_host=request.host, original_request=request)
        question = request.WhichOneof("message_request")
        if question == "list_services":
            for name in self.services:
                response.list_services_response.service.add(name=name)
        elif question == "all_extension_numbers_of_type":
            self._tell_numbers(request.all_extension_numbers_of_type, response)
        elif question is None:
            _refuse(response, Code.INVALID_ARGUMENT, "The request asks nothing.")
        else:
            self._tell_files(request, question, response)
        return response

    def _tell_numbers(self, message: str, response: Any) -> None:
        if message not in self._by_symbol:
            _refuse(response, Code.NOT_FOUND, f"There is no message {message}.")
            return
        numbers = response.all_extension_numbers_response
        numbers.base_type_name = message
        numbers.extension_number.extend(sorted(number for kind, number in self._by_extension if kind == message))

    def _tell_files(self, request: Any, question: str, response: Any) -> None:
        if question == "file_by_filename":
            wanted: Any = request.file_by_filename
            name = wanted if wanted in self._files else None
        elif question == "file_containing_symbol":
            wanted = request.file_containing_symbol
            name = self._by_symbol.get(wanted)
        else:
            asked = request.file_containing_extension
            wanted = f"{asked.containing_type} {asked.extension_number}"
            name = self._by_extension.get((asked.containing_type, asked.extension_number))
        if name is None:
            _refuse(response, Code.NOT_FOUND, f"Nothing is known of {wanted}.")
            return
        files = response.file_descriptor_response.file_descriptor_proto
        files.extend(self._files[needed].SerializeToString(deterministic=True) for needed in self._with_needed(name))

    def _with_needed(self, name: str) -> list[str]:
        """A file and all it depends on, itself first."""
        needed = [name]
        for reached in needed:
            needed += [further for further in self._files[reached].dependency if further not in needed]
        return needed


def _refuse(response: Any, code: Code, text: str) -> None:
    response.error_response.error_code = code
    response.error_response.error_message = text


def _library_file(descriptor: Any) -> FileDescriptorProto:
    file = FileDescriptorProto()
    descriptor.CopyToProto(file)
    return file


def _symbols(file: FileDescriptorProto) -> Iterator[str]:
    """Full names of all that a file declares."""
    prefix = f"{file.package}." if file.package else ""
    for message in file.message_type:
        yield from _symbols_of_message(message, prefix)
    for enum in file.enum_type:
        yield from _symbols_of_enum(enum, prefix)
    for extension in file.extension:
        yield prefix + extension.name
    for service in file.service:
        yield prefix + service.name
        yield from (f"{prefix}{service.name}.{method.name}" for method in service.method)


def _symbols_of_message(message: DescriptorProto, prefix: str) -> Iterator[str]:
    name = prefix + message.name
    yield name
    yield from (f"{name}.{field.name}" for field in message.field)
    for nested in message.nested_type:
        yield from _symbols_of_message(nested, f"{name}.")
    for enum in message.enum_type:
        yield from _symbols_of_enum(enum, f"{name}.")


def _symbols_of_enum(enum: EnumDescriptorProto, prefix: str) -> Iterator[str]:
    yield prefix + enum.name
    yield from (prefix + value.name for value in enum.value)  # values stand beside their enum, not in it
