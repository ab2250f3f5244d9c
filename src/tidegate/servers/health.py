"""The standard gRPC health service, ``grpc.health.v1.Health``.

It has Check alone. Watch is UNIMPLEMENTED, which the protocol allows: a client then stops asking and assumes that the
server is healthy.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final

from google.protobuf.descriptor_pb2 import FileDescriptorProto

from tidegate.core.errors import NotFound
from tidegate.schema import reflection
from tidegate.schema.declare import STRING, Enum, Message, field, module
from tidegate.schema.limits import SMALL
from tidegate.schema.reflection import Renaming, add_service
from tidegate.servers.call import Call
from tidegate.servers.grpc import GrpcMethod

# Our own package name, as for all our messages: grpcio-health-checking may be loaded in the same interpreter.
__protobuf__ = module("tidegate.health.v1", "HealthCheckRequest", "HealthCheckResponse")

CHECK: Final = "/grpc.health.v1.Health/Check"


class HealthCheckRequest(Message):
    """Asks how a service is; ``""`` is the server as a whole."""

    service: str = field(STRING, 1)


class HealthCheckResponse(Message):
    """Says how it is."""

    class ServingStatus(Enum):
        """How a service is."""

        UNKNOWN = 0
        SERVING = 1
        NOT_SERVING = 2
        SERVICE_UNKNOWN = 3

    status: ServingStatus = field(ServingStatus, 1)


def health_file() -> FileDescriptorProto:
    """The description of this service for reflection, under its standard name."""
    renaming = Renaming("tidegate.health.v1", "grpc.health.v1")
    request, response = HealthCheckRequest.pb(), HealthCheckResponse.pb()
    file = renaming.file(request)
    add_service(file, "Health", [reflection.ReflectedMethod("Check", request, response)], renaming)
    return file


def health_method(services: Collection[str], serving: Callable[[], bool]) -> GrpcMethod:
    """The Check method: ``serving`` answers for the server as a whole (service ``""``) and for each of ``services``."""
    response = HealthCheckResponse.pb()
    status = HealthCheckResponse.ServingStatus

    async def check(request: Any, _call: Call) -> Any:
        if request.service and request.service not in services:
            raise NotFound(f"unknown service {request.service}")
        return response(status=status.SERVING if serving() else status.NOT_SERVING)

    return GrpcMethod(HealthCheckRequest.pb(), check, SMALL)
