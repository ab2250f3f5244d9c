"""gRPC."""

from tidegate.client.transports.grpc import GrpcTransport
from tidegate.tasks_v2beta3.services.cloud_tasks.transports.base import CloudTasksTransport

__all__ = ["CloudTasksGrpcTransport"]


class CloudTasksGrpcTransport(GrpcTransport, CloudTasksTransport):
    """Sends the requests of v2beta3 over gRPC."""
