"""The body of a call: whole, unpacked, and never larger than a message may be."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Final

from tidegate.core.errors import InvalidArgument, ResourceExhausted
from tidegate.servers.compression import DamagedError, TooLargeError, UnknownEncodingError, unpack
from tidegate.servers.framing import MESSAGE_MAX, Disconnected, Receive

DROPPED_MAX: Final = 2 * MESSAGE_MAX
"""Bytes that are read only to be dropped. A client that is answered in the middle of its body over HTTP/2 may never see
the answer."""


async def read_body(headers: dict[bytes, bytes], receive: Receive) -> bytes:
    """The body of a call with these headers.

    Raises:
        ResourceExhausted: it is too large.
        InvalidArgument: it is compressed in a way that is not known here, or damaged.
        Disconnected: the client left before it was whole.
    """
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) > MESSAGE_MAX:
        await drop_body(receive)
        raise _too_large()
    event = await receive()
    body = event.get("body", b"")
    if event["type"] != "http.request" or event.get("more_body", False) or len(body) > MESSAGE_MAX:
        body = await _gather(event, receive)
    encoding = headers.get(b"content-encoding", b"").strip().lower()
    return await _unpack(body, encoding) if encoding and body else bytes(body)


async def drop_body(receive: Receive) -> None:
    """Read a body that nobody wants, unless it is very large. Raises Disconnected."""
    dropped = 0
    more = True
    while more and dropped < DROPPED_MAX:
        event = await receive()
        if event["type"] != "http.request":
            raise Disconnected
        dropped += len(event.get("body", b""))
        more = event.get("more_body", False)


async def _gather(event: MutableMapping[str, Any], receive: Receive) -> bytes:
    """A body in pieces, of which ``event`` is the first."""
    body = bytearray()  # grows in place: a large body is not copied, a million tiny pieces are not kept
    while True:
        if event["type"] != "http.request":
            raise Disconnected
        body += event.get("body", b"")
        more = event.get("more_body", False)
        if len(body) > MESSAGE_MAX:
            del body
            if more:
                await drop_body(receive)
            raise _too_large()
        if not more:
            return bytes(body)
        event = await receive()


def _too_large() -> ResourceExhausted:
    return ResourceExhausted(f"Request payload size exceeds the limit: {MESSAGE_MAX} bytes.")


async def _unpack(packed: bytes, encoding: bytes) -> bytes:
    if encoding == b"identity":
        return packed
    try:
        return bytes(await unpack(packed, encoding, MESSAGE_MAX))
    except UnknownEncodingError:
        name = encoding.decode("latin-1")
        raise InvalidArgument(f"Content-Encoding {name!r} is not supported, only gzip is.") from None
    except DamagedError as error:
        raise InvalidArgument(f"The compressed body is damaged: {error}.") from None
    except TooLargeError:
        raise _too_large() from None
