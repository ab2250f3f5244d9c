"""gRPC through grpcio, with asyncio."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import grpc
from google.api_core import grpc_helpers_async, operations_v1
from google.auth.credentials import Credentials

from tidegate.client.calls import AsyncCall
from tidegate.client.environment import ENDPOINT
from tidegate.client.transports.grpc import GrpcBase


class GrpcAsyncIOTransport(GrpcBase):
    """gRPC, with asyncio."""

    _call_type = AsyncCall
    _channel_type = grpc.aio.Channel
    _plain_channel = staticmethod(grpc.aio.insecure_channel)
    _secure_channel = staticmethod(grpc.aio.secure_channel)

    @classmethod
    def create_channel(
        cls,
        host: str = ENDPOINT,
        credentials: Credentials | None = None,
        credentials_file: str | None = None,
        scopes: Sequence[str] | None = None,
        quota_project_id: str | None = None,
        **kwargs: Any,
    ) -> grpc.aio.Channel:
        """A channel with TLS and credentials; further arguments go to google-api-core's ``create_channel``."""
        channel: grpc.aio.Channel = grpc_helpers_async.create_channel(
            host,
            credentials=credentials,
            credentials_file=credentials_file,
            quota_project_id=quota_project_id,
            default_scopes=cls.AUTH_SCOPES,
            scopes=scopes,
            default_host=cls.DEFAULT_HOST,
            **kwargs,
        )
        return channel

    @property
    def kind(self) -> str:
        return "grpc_asyncio"

    @property
    def operations_client(self) -> Any:
        if self._operations_client is None:
            self._operations_client = operations_v1.OperationsAsyncClient(self._grpc_channel)
        return self._operations_client
