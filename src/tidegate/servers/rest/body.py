"""The body of a call: whole, unpacked, and never larger than a message may be."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Final

from tidegate.api.pace import Pace
from tidegate.core import refusals
from tidegate.core.errors import ApiError, InvalidArgument, ResourceExhausted
from tidegate.schema.limits import ENTRY_MAX, SMALL, holds_one_task
from tidegate.servers.call import Disconnected, Receive
from tidegate.servers.compression import DamagedError, TooLargeError, UnknownEncodingError, unpack
from tidegate.servers.framing import MESSAGE_MAX, in_time
from tidegate.servers.in_flight import HeldBytes

DROPPED_MAX: Final = 2 * MESSAGE_MAX
"""Bytes that are read only to be dropped. A client that is answered in the middle of its body over HTTP/2 may never see
the answer."""


async def read_body(headers: dict[bytes, bytes], receive: Receive, most: int, held: HeldBytes) -> bytes | bytearray:
    """The body of a call with these headers, of at most ``most`` bytes. ``held`` counts its bytes as they arrive, once
    they are more than ``SMALL``.

    Raises:
        ResourceExhausted: it is too large, or too much is in flight.
        InvalidArgument: it is compressed in a way that is not known here, or damaged.
        Disconnected: the client left before it was whole.
    """
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) > most:
        await drop_body(receive)
        raise _too_large(most)
    event = await receive()
    body = event.get("body", b"")
    if event["type"] != "http.request" or event.get("more_body", False) or len(body) > SMALL:
        body = await in_time(_gather(event, receive, most, held))
    encoding = headers.get(b"content-encoding", b"").strip().lower()
    return await _unpack(body, encoding, most, held) if encoding and body else body


async def drop_body(receive: Receive) -> None:
    """Read a body that nobody wants, unless it is very large. Raises Disconnected."""
    await in_time(_drop(receive))


async def _drop(receive: Receive) -> None:
    dropped = 0
    more = True
    while more and dropped < DROPPED_MAX:
        event = await receive()
        if event["type"] != "http.request":
            raise Disconnected
        dropped += len(event.get("body", b""))
        more = event.get("more_body", False)


async def _gather(event: MutableMapping[str, Any], receive: Receive, most: int, held: HeldBytes) -> bytes | bytearray:
    """A body in pieces, of which ``event`` is the first."""
    pace = Pace()
    body = bytearray()  # grows in place: a large body is not copied, a million tiny pieces are not kept
    while True:
        if event["type"] != "http.request":
            raise Disconnected
        body += event.get("body", b"")
        more = event.get("more_body", False)
        try:
            if len(body) > most:
                raise _too_large(most)
            if len(body) > SMALL:
                held.grow_to(len(body))
                await pace.step()  # what has arrived already is received without waiting
        except ApiError:
            del body
            held.close()
            if more:
                await _drop(receive)
            raise
        if not more:
            return bytes(body) if len(body) <= ENTRY_MAX else body
        event = await receive()


def _too_large(most: int) -> ApiError:
    if holds_one_task(most):
        return refusals.task_too_large()
    return ResourceExhausted(f"Request payload size exceeds the limit: {most} bytes.")


async def _unpack(packed: bytes | bytearray, encoding: bytes, most: int, held: HeldBytes) -> bytes | bytearray:
    if encoding == b"identity":
        return packed

    def grown(size: int) -> None:
        if size > SMALL:
            held.grow_to(len(packed) + size)

    try:
        body = await unpack(packed, encoding, most, grown)
        return bytes(body) if len(body) <= ENTRY_MAX else body
    except UnknownEncodingError:
        name = encoding.decode("latin-1")
        raise InvalidArgument(f"Content-Encoding {name!r} is not supported, only gzip is.") from None
    except DamagedError as error:
        raise InvalidArgument(f"The compressed body is damaged: {error}.") from None
    except TooLargeError:
        raise _too_large(most) from None
