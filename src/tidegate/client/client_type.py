"""The type of client classes, which knows their transports by name."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tidegate.client.transports.base import Transport

TRANSPORTS = {
    "grpc": "GrpcTransport",
    "grpc_asyncio": "GrpcAsyncIOTransport",
    "rest": "RestTransport",
    "rest_asyncio": "RestAsyncIOTransport",
}
"""What the names of transports end with, after that of their service."""
WITH_ASYNCIO = {None: "grpc_asyncio", "grpc": "grpc_asyncio", "rest": "rest_asyncio"}


class ClientType(type):
    """The type of client classes."""

    _transports: str
    """The module with the transports of the client's version."""
    _service = "CloudTasks"

    def get_transport_class(cls, label: str | None = None) -> type[Transport]:
        """The transport of a name: ``grpc`` (also without a name), ``grpc_asyncio``, ``rest`` or ``rest_asyncio``.

        Raises:
            KeyError: there is none of that name.
        """
        kind: type[Transport] = getattr(
            importlib.import_module(cls._transports), cls._service + TRANSPORTS[label or "grpc"]
        )
        return kind
