"""Messages in a body: the five bytes in front of each, and its compression.

``gRPC over HTTP/2`` writes a message as a flag byte (1: compressed), its length in four bytes, then the message. A body
of a unary call holds exactly one, that of a stream any number.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from struct import Struct
from typing import Any, Final, TypeAlias

from tidegate.core.errors import Internal, InvalidArgument, ResourceExhausted, Unimplemented
from tidegate.servers.compression import DamagedError, TooLargeError, UnknownEncodingError, unpack

Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]

MESSAGE_MAX: Final = 128 * 1024 * 1024
"""Bytes of one message, packed or unpacked. The real service's limit is not known; a batch of a hundred
tasks of 1 MiB fits."""

_PREFIX_SIZE: Final = 5
PREFIX: Final = Struct(">xI").pack
"""The five bytes before a message of so many bytes that is not compressed."""

ACCEPTED_ENCODINGS: Final = b"identity,deflate,gzip"


class Disconnected(Exception):  # noqa: N818 - not an error of ours
    """The client went away before its message was whole."""


END: Final = {"type": "http.request"}
"""The event with which a body ends that came before."""


def joined(first: MutableMapping[str, Any], second: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Two events of a body as one."""
    return {**second, "body": first.get("body", b"") + second.get("body", b"")}


async def read_message(event: MutableMapping[str, Any], receive: Receive, encoding: bytes | None) -> bytes | bytearray:
    """The one message of a body of which ``event`` is the first part.

    What is too large is refused as soon as its length is known, before it is buffered.
    """
    body = bytearray()  # grows in place: a large message is not copied, a million tiny pieces are not kept
    size = -1  # of the message, once its prefix is here
    packed = 0
    while True:
        if event["type"] != "http.request":
            raise Disconnected
        body += event.get("body", b"")
        if size < 0 and len(body) >= _PREFIX_SIZE:
            packed, size = body[0], _length(body)
            del body[:_PREFIX_SIZE]
        if 0 <= size < len(body):
            raise InvalidArgument("The request holds more than one message; this method takes exactly one.")
        if not event.get("more_body", False):
            break
        event = await receive()
    if size < 0 and not body:
        raise InvalidArgument("The request holds no message; this method takes exactly one.")
    if len(body) != size:
        raise InvalidArgument("The request ends in the middle of a message.")
    return await _unpack(body, encoding) if packed else body


async def read_messages(receive: Receive, encoding: bytes | None) -> AsyncIterator[bytes | bytearray]:
    """The messages of a stream, each as soon as it is whole."""
    body = bytearray()
    more = True
    while more:
        event = await receive()
        if event["type"] != "http.request":
            raise Disconnected
        body += event.get("body", b"")
        more = event.get("more_body", False)
        while len(body) >= _PREFIX_SIZE and len(body) >= (end := _PREFIX_SIZE + _length(body)):
            message = body[_PREFIX_SIZE:end]
            yield await _unpack(message, encoding) if body[0] else message
            del body[:end]
    if body:
        raise InvalidArgument("The request ends in the middle of a message.")


def _length(head: bytearray) -> int:
    if head[0] > 1:
        raise InvalidArgument(f"The message begins with flag {head[0]}; only 0 and 1 are defined.")
    length = int.from_bytes(head[1:_PREFIX_SIZE], "big")
    if length > MESSAGE_MAX:
        raise _too_large(str(length))
    return length


def _too_large(length: str) -> ResourceExhausted:
    return ResourceExhausted(f"Received message larger than max ({length} vs. {MESSAGE_MAX})")


async def _unpack(packed: bytearray, encoding: bytes | None) -> bytearray:
    if encoding is None or encoding == b"identity":
        raise Internal("The message is flagged as compressed, but grpc-encoding names no compression.")
    try:
        return await unpack(packed, encoding, MESSAGE_MAX)
    except UnknownEncodingError:
        raise Unimplemented(f"Compression {encoding.decode('latin-1')!r} is not supported.") from None
    except DamagedError as error:
        raise Internal(f"The compressed message is damaged: {error}.") from None
    except TooLargeError:
        raise _too_large("unpacked: more") from None
