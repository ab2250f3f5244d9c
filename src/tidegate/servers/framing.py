"""Messages in a body: the five bytes in front of each, and its compression.

``gRPC over HTTP/2`` writes a message as a flag byte (1: compressed), its length in four bytes, then the message. The
body of a unary call has exactly one, that of a stream any number.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, MutableMapping
from struct import Struct
from typing import Any, Final, TypeVar

from tidegate.api.pace import Pace
from tidegate.core import refusals
from tidegate.core.errors import (
    ApiError,
    DeadlineExceeded,
    Internal,
    InvalidArgument,
    ResourceExhausted,
    Unimplemented,
)
from tidegate.schema.limits import SMALL, holds_one_task
from tidegate.servers.call import Disconnected, Receive
from tidegate.servers.compression import DamagedError, TooLargeError, UnknownEncodingError, unpack
from tidegate.servers.in_flight import HeldBytes

T = TypeVar("T")

MESSAGE_MAX: Final = 128 * 1024 * 1024
"""Bytes of one message, compressed or not, of a method whose row sets no limit."""

_PREFIX_SIZE: Final = 5
PREFIX: Final = Struct(">xI").pack
"""The five bytes before an uncompressed message of this length."""

BODY_TIMEOUT: Final = 300.0
"""Seconds that a body in pieces may take to arrive."""

ACCEPTED_ENCODINGS: Final = b"identity,deflate,gzip"


async def in_time(reading: Awaitable[T]) -> T:
    """The result of ``reading`` a body. Raises DeadlineExceeded when the body takes too long to arrive."""
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            return await reading
    except TimeoutError:
        raise DeadlineExceeded(f"The body did not arrive within {BODY_TIMEOUT:g} s.") from None


END: Final = {"type": "http.request"}
"""The event that ends a body whose bytes have come before."""


def joined(first: MutableMapping[str, Any], second: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Two events of a body as one."""
    return {**second, "body": first.get("body", b"") + second.get("body", b"")}


async def read_message(
    event: MutableMapping[str, Any],
    receive: Receive,
    encoding: bytes | None,
    most: int,
    held: HeldBytes,
) -> bytes | bytearray:
    """The one message of a body of which ``event`` is the first part, of at most ``most`` bytes.

    A message that is too large is refused as soon as its length is known, before it is buffered. ``held`` counts the
    bytes as they arrive, once they are more than ``SMALL``.
    """
    pace = Pace()
    body = bytearray()  # grows in place: a large message is not copied, a million tiny pieces are not kept
    size = -1  # of the message, once its prefix has arrived
    packed = 0
    while True:
        if event["type"] != "http.request":
            raise Disconnected
        body += event.get("body", b"")
        if size < 0 and len(body) >= _PREFIX_SIZE:
            packed, size = body[0], _length(body, most)
            del body[:_PREFIX_SIZE]
        if 0 <= size < len(body):
            raise InvalidArgument("The request holds more than one message; this method takes exactly one.")
        if len(body) > SMALL:
            held.grow_to(len(body))
            await pace.step()  # what has arrived already is received without waiting
        if not event.get("more_body", False):
            break
        event = await receive()
    if size < 0 and not body:
        raise InvalidArgument("The request holds no message; this method takes exactly one.")
    if len(body) != size:
        raise InvalidArgument("The request ends in the middle of a message.")
    return await _unpack(body, encoding, most, held) if packed else body


async def read_messages(receive: Receive, encoding: bytes | None) -> AsyncIterator[bytes | bytearray]:
    """The messages of a stream, each as soon as it is complete. All of them must be small."""
    body = bytearray()
    more = True
    while more:
        event = await receive()
        if event["type"] != "http.request":
            raise Disconnected
        body += event.get("body", b"")
        more = event.get("more_body", False)
        while len(body) >= _PREFIX_SIZE and len(body) >= (end := _PREFIX_SIZE + _length(body, SMALL)):
            message = body[_PREFIX_SIZE:end]
            yield await _unpack(message, encoding, SMALL, None) if body[0] else message
            del body[:end]
    if body:
        raise InvalidArgument("The request ends in the middle of a message.")


def _length(head: bytearray, most: int) -> int:
    if head[0] > 1:
        raise InvalidArgument(f"The message begins with flag {head[0]}; only 0 and 1 are defined.")
    length = int.from_bytes(head[1:_PREFIX_SIZE], "big")
    if length > most:
        raise _too_large(str(length), most)
    return length


def _too_large(length: str, most: int) -> ApiError:
    if holds_one_task(most):
        return refusals.task_too_large()
    return ResourceExhausted(f"Received message larger than max ({length} vs. {most})")


async def _unpack(packed: bytearray, encoding: bytes | None, most: int, held: HeldBytes | None) -> bytearray:
    if encoding is None or encoding == b"identity":
        raise Internal("The message is flagged as compressed, but grpc-encoding names no compression.")

    def grown(size: int) -> None:
        if held is not None and size > SMALL:
            held.grow_to(len(packed) + size)

    try:
        return await unpack(packed, encoding, most, grown)
    except UnknownEncodingError:
        raise Unimplemented(f"Compression {encoding.decode('latin-1')!r} is not supported.") from None
    except DamagedError as error:
        raise Internal(f"The compressed message is damaged: {error}.") from None
    except TooLargeError:
        raise _too_large("unpacked: more", most) from None
