"""A small client: a channel of grpcio with one method for each row of the schema."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self, TypeVar

import grpc

from tidegate.schema.rpc import Rpc

Request = TypeVar("Request")
Response = TypeVar("Response")

DIRECT = [("grpc.enable_http_proxy", 0)]  # the server is on this machine, whatever the environment says of proxies


class CallFailed(Exception):  # noqa: N818 - an answer, told to the user as it is
    """The server answered with an error, or did not answer; the text is the server's or grpcio's."""


class Link:
    """A connection to a server at ``url``, without TLS."""

    def __init__(self, url: str) -> None:
        self._channel = grpc.aio.insecure_channel(url.removeprefix("http://"), options=DIRECT)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._channel.close()

    async def call(self, rpc: Rpc[Request, Response], request: Any) -> Any:
        """The raw response to a raw request. Raises CallFailed."""
        method = self._channel.unary_unary(
            rpc.grpc_path,
            request_serializer=type(request).SerializeToString,
            response_deserializer=rpc.response_pb.FromString,
        )
        try:
            return await method(request)
        except grpc.aio.AioRpcError as error:
            raise CallFailed(error.details() or error.code().name) from None
