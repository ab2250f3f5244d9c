"""gRPC server reflection: a stream of questions, one answer to each, until the client has no more.

It is the only streaming call. It is apart from the unary server, which it does not slow down.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from google.protobuf.message import DecodeError

from tidegate.api.status import grpc_trailers
from tidegate.core.errors import ApiError, InvalidArgument, Unimplemented
from tidegate.schema.reflection import PATHS, REQUEST, Catalogue
from tidegate.servers.call import Receive, Scope, Send
from tidegate.servers.framing import PREFIX, read_messages
from tidegate.servers.grpc import START, is_grpc, send_error
from tidegate.servers.health import health_file
from tidegate.servers.mounts import Mount


def reflection_mounts() -> list[Mount]:
    """The reflection service at the paths of its two versions, which are the same protocol."""
    reflection = Reflection()
    return [Mount(path, reflection, stream=True) for path in PATHS]


class Reflection:
    """An ASGI application for one call of the service."""

    @cached_property
    def _catalogue(self) -> Catalogue:
        """Made at the first call. Most servers get none."""
        return Catalogue([health_file()])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        if scope["method"] != "POST" or not is_grpc(headers.get(b"content-type", b"")):
            await send_error(send, Unimplemented("Reflection is asked with POST, in protobuf."))
            return
        await send(START)
        try:
            async for question in read_messages(receive, headers.get(b"grpc-encoding")):
                answer = self._catalogue.answer(_decoded(question)).SerializeToString()
                await send({"type": "http.response.body", "body": PREFIX(len(answer)) + answer, "more_body": True})
            trailers = [(b"grpc-status", b"0")]
        except ApiError as error:
            trailers = grpc_trailers(error)
        await send({"type": "http.response.body", "body": b""})
        await send({"type": "http.response.trailers", "headers": trailers})


def _decoded(question: bytes | bytearray) -> Any:
    try:
        return REQUEST.FromString(bytes(question))
    except DecodeError:
        raise InvalidArgument("The message is no valid ServerReflectionRequest.") from None
