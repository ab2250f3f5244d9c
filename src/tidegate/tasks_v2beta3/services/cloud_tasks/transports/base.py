"""What the transports of v2beta3 share."""

from tidegate.client.transports.base import DEFAULT_CLIENT_INFO, Transport
from tidegate.schema.v2beta3 import SERVICES

__all__ = ["DEFAULT_CLIENT_INFO", "CloudTasksTransport"]


class CloudTasksTransport(Transport):
    """Sends the requests of v2beta3."""

    rows = tuple(row for service in SERVICES for row in service.rpcs if row.grpc)
