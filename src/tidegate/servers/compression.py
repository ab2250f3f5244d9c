"""Unpacking what clients compress: messages of gRPC and bodies of REST, never beyond a size that the caller names."""

from __future__ import annotations

import asyncio
import zlib
from typing import Final

UNPACKED_IN_PLACE: Final = 8 * 1024
"""Compressed bytes up to which the event loop unpacks by itself: a thread costs more than the few hundred
microseconds that takes. What is larger may grow a thousandfold and would hold up everyone."""

MEMBERS_MAX: Final = 10_000
"""Parts of one gzip file. Real ones have one, or one for some 64 KiB; each costs microseconds, even if it is empty."""

_PIECE: Final = 16 * 1024  # at once: zlib copies what follows the end of a member

_GZIP: Final = 16 + zlib.MAX_WBITS
# What zlib calls the formats; identity is no entry.
_WINDOW_BITS: Final = {b"gzip": _GZIP, b"x-gzip": _GZIP, b"deflate": zlib.MAX_WBITS}


class UnknownEncodingError(ValueError):
    """A compression that is not known here."""


class DamagedError(ValueError):
    """What was sent is not what its sender packed. The text says why."""


class TooLargeError(ValueError):
    """It would be larger than it may be."""


async def unpack(packed: bytes | bytearray, encoding: bytes, most: int) -> bytearray:
    """What is in ``packed``, at most ``most`` bytes. A large one is unpacked beside the event loop.

    Raises UnknownEncodingError, DamagedError, TooLargeError.
    """
    bits = _WINDOW_BITS.get(encoding)
    if bits is None:
        raise UnknownEncodingError
    if len(packed) <= UNPACKED_IN_PLACE:
        return _inflate(packed, bits, most)
    return await asyncio.to_thread(_inflate, packed, bits, most)


def _inflate(packed: bytes | bytearray, bits: int, most: int) -> bytearray:
    view, at, members = memoryview(packed), 0, 1
    inflater = zlib.decompressobj(bits)
    payload = bytearray()
    while at < len(view):
        if inflater.eof:
            members += 1
            if bits != _GZIP or members > MEMBERS_MAX:  # only a gzip file may have several members, RFC 1952, 2.2
                raise DamagedError("it does not end where it should")
            inflater = zlib.decompressobj(bits)
        piece = view[at : at + _PIECE]
        try:
            payload += inflater.decompress(piece, most + 1 - len(payload))
        except zlib.error as error:
            raise DamagedError(str(error)) from None
        if len(payload) > most:
            raise TooLargeError
        at += len(piece) - len(inflater.unused_data)
    if not inflater.eof:
        raise DamagedError("it does not end where it should")
    return payload
