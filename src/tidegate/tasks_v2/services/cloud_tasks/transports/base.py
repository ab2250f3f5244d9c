"""What the transports of v2 share."""

from tidegate.client.transports.base import DEFAULT_CLIENT_INFO, Transport
from tidegate.schema.v2 import SERVICES

__all__ = ["DEFAULT_CLIENT_INFO", "CloudTasksTransport"]


class CloudTasksTransport(Transport):
    """Sends the requests of v2."""

    rows = tuple(row for service in SERVICES for row in service.rpcs if row.grpc)
