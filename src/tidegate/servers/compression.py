"""Decompresses gRPC messages and REST bodies, up to a size that the caller names."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Final

from tidegate.api.pace import Pace

RATIO_MAX: Final = 200
"""The most that a message may be larger than its compressed form. Text shrinks to a tenth, a megabyte of one letter to
a thousandth; for those there is ``ANY_RATIO``."""
ANY_RATIO: Final = 2 * 1024 * 1024
"""Bytes up to which the ratio does not matter: more than any one task."""

MEMBERS_MAX: Final = 10_000
"""Members of one gzip file. Real files have one, or one for each 64 KiB. Each takes microseconds, even an empty one."""

_PIECE: Final = 16 * 1024  # at once: zlib copies what follows the end of a member
_UNPACKED_PIECE: Final = 256 * 1024  # a fraction of a millisecond

_GZIP: Final = 16 + zlib.MAX_WBITS
# What zlib calls the formats; identity is no entry.
_WINDOW_BITS: Final = {b"gzip": _GZIP, b"x-gzip": _GZIP, b"deflate": zlib.MAX_WBITS}


class UnknownEncodingError(ValueError):
    """A compression that is not known here."""


class DamagedError(ValueError):
    """The compressed data is damaged. The text says how."""


class TooLargeError(ValueError):
    """The decompressed data would be larger than allowed."""


async def unpack(
    packed: bytes | bytearray, encoding: bytes, most: int, grown: Callable[[int], None] = lambda _size: None
) -> bytearray:
    """Decompress ``packed`` to at most ``most`` bytes, in pieces with pauses between them.

    ``grown`` is called with the number of bytes so far, and may raise. Raises UnknownEncodingError, DamagedError,
    TooLargeError.
    """
    bits = _WINDOW_BITS.get(encoding)
    if bits is None:
        raise UnknownEncodingError
    pace = Pace()
    payload = bytearray()
    for piece in _inflated(packed, bits, most):
        payload += piece
        size = len(payload)
        if size > most or size > max(ANY_RATIO, RATIO_MAX * len(packed)):
            raise TooLargeError
        grown(size)
        if pace.due:
            await pace.step()
    return payload


def _inflated(packed: bytes | bytearray, bits: int, most: int) -> Iterator[bytes]:
    view, at, members = memoryview(packed), 0, 1
    inflater = zlib.decompressobj(bits)
    at_once = min(_UNPACKED_PIECE, most + 1)
    while at < len(view):
        if inflater.eof:
            members += 1
            if bits != _GZIP or members > MEMBERS_MAX:  # only a gzip file may have several members, RFC 1952, 2.2
                raise DamagedError("it does not end where it should")
            inflater = zlib.decompressobj(bits)
        piece: memoryview | bytes = view[at : at + _PIECE]
        at += len(piece)
        try:
            yield inflater.decompress(piece, at_once)
            while inflater.unconsumed_tail and not inflater.eof:
                yield inflater.decompress(inflater.unconsumed_tail, at_once)
        except zlib.error as error:
            raise DamagedError(str(error)) from None
        at -= len(inflater.unused_data)
    while not inflater.eof:  # output that it still buffers
        rest = inflater.decompress(b"", at_once)
        if not rest:
            break
        yield rest
    if not inflater.eof:
        raise DamagedError("it does not end where it should")
