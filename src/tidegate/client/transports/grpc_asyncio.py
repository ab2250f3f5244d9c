"""gRPC through grpcio, with asyncio."""

from __future__ import annotations

from typing import Any, ClassVar

import grpc
from google.api_core import grpc_helpers_async, operations_v1

from tidegate.client.calls import AsyncCall
from tidegate.client.transports.grpc import GrpcBase


class GrpcAsyncIOTransport(GrpcBase):
    """gRPC, with asyncio."""

    _call_type = AsyncCall
    _helpers: ClassVar[Any] = grpc_helpers_async
    _channel_type = grpc.aio.Channel
    _plain_channel = staticmethod(grpc.aio.insecure_channel)
    _secure_channel = staticmethod(grpc.aio.secure_channel)

    @property
    def kind(self) -> str:
        return "grpc_asyncio"

    @property
    def operations_client(self) -> Any:
        if self._operations_client is None:
            self._operations_client = operations_v1.OperationsAsyncClient(self._grpc_channel)
        return self._operations_client
