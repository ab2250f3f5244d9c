"""The smallest client that will do: unary gRPC over plain HTTP/2, one method for every row of the schema."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import unquote

from pyreqwest.client import ClientBuilder

from tidegate.schema.rpc import Rpc

Request = TypeVar("Request")
Response = TypeVar("Response")

HEADERS = {"content-type": "application/grpc", "te": "trailers"}
PREFIX = 5  # bytes before each message: compressed or not, and the length


class CallFailed(Exception):  # noqa: N818 - an answer, told to the user as it is
    """The server answered with an error; the text is the server's."""


class Link:
    """A connection to a server at ``url``.

    It reads no trailers. It need not: an answer that is an error has no message, and says everything in its headers.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = ClientBuilder().http2_prior_knowledge().no_proxy().build()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()

    async def call(self, rpc: Rpc[Request, Response], request: Any) -> Any:
        """The raw response to a raw request. Raises CallFailed, or pyreqwest's errors when nobody answers."""
        payload = request.SerializeToString()
        frame = b"\0" + len(payload).to_bytes(4, "big") + payload
        call = self._client.post(self._url + rpc.grpc_path).headers(HEADERS).body_bytes(frame)
        response = await call.build().send()
        body = bytes(await response.bytes())
        if not body:
            raise CallFailed(unquote(response.headers.get("grpc-message", f"HTTP {response.status}")))
        return rpc.response_pb.FromString(body[PREFIX:])
