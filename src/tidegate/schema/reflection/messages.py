"""What a client asks of the gRPC reflection service, and what it is told.

``grpc.reflection.v1`` and ``v1alpha`` carry the same bytes; these messages serve both.
"""

from __future__ import annotations

from collections.abc import MutableSequence

from tidegate.schema.declare import BYTES, INT32, STRING, Message, field, module, repeated

PACKAGE = "tidegate.reflection"  # our own, so that grpcio-reflection can live in the same interpreter

__protobuf__ = module(
    PACKAGE,
    "ExtensionRequest",
    "ServerReflectionRequest",
    "FileDescriptorResponse",
    "ExtensionNumberResponse",
    "ServiceResponse",
    "ListServiceResponse",
    "ErrorResponse",
    "ServerReflectionResponse",
)


class ExtensionRequest(Message):
    """An extension, by the message it extends and its number."""

    containing_type: str = field(STRING, 1)
    extension_number: int = field(INT32, 2)


class ServerReflectionRequest(Message):
    """One question."""

    host: str = field(STRING, 1)
    file_by_filename: str = field(STRING, 3, oneof="message_request")
    file_containing_symbol: str = field(STRING, 4, oneof="message_request")
    """A service, method, message, enum or field by its full name."""
    file_containing_extension: ExtensionRequest = field(ExtensionRequest, 5, oneof="message_request")
    all_extension_numbers_of_type: str = field(STRING, 6, oneof="message_request")
    list_services: str = field(STRING, 7, oneof="message_request")
    """All services; the text means nothing."""


class FileDescriptorResponse(Message):
    """Files, serialised: the one asked for and all it needs."""

    file_descriptor_proto: MutableSequence[bytes] = repeated(BYTES, 1)


class ExtensionNumberResponse(Message):
    """The numbers of all extensions of a message."""

    base_type_name: str = field(STRING, 1)
    extension_number: MutableSequence[int] = repeated(INT32, 2)


class ServiceResponse(Message):
    """A service."""

    name: str = field(STRING, 1)


class ListServiceResponse(Message):
    """All services."""

    service: MutableSequence[ServiceResponse] = repeated(ServiceResponse, 1)


class ErrorResponse(Message):
    """Why there is no answer: a code of google.rpc and a text. The stream goes on."""

    error_code: int = field(INT32, 1)
    error_message: str = field(STRING, 2)


class ServerReflectionResponse(Message):
    """The answer to one question."""

    valid_host: str = field(STRING, 1)
    original_request: ServerReflectionRequest = field(ServerReflectionRequest, 2)
    file_descriptor_response: FileDescriptorResponse = field(FileDescriptorResponse, 4, oneof="message_response")
    all_extension_numbers_response: ExtensionNumberResponse = field(
        ExtensionNumberResponse, 5, oneof="message_response"
    )
    list_services_response: ListServiceResponse = field(ListServiceResponse, 6, oneof="message_response")
    error_response: ErrorResponse = field(ErrorResponse, 7, oneof="message_response")
