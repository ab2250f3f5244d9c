"""gRPC with asyncio."""

from tidegate.client.transports.grpc_asyncio import GrpcAsyncIOTransport
from tidegate.tasks_v2beta3.services.cloud_tasks.transports.base import CloudTasksTransport

__all__ = ["CloudTasksGrpcAsyncIOTransport"]


class CloudTasksGrpcAsyncIOTransport(GrpcAsyncIOTransport, CloudTasksTransport):
    """Sends the requests of v2beta3 over gRPC, with asyncio."""
