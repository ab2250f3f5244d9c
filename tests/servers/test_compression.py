"""Unpacking what clients compress, in any number of pieces and never beyond its bound."""

from __future__ import annotations

import asyncio
import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.servers.compression import (
    ANY_RATIO,
    MEMBERS_MAX,
    DamagedError,
    TooLargeError,
    UnknownEncodingError,
    unpack,
)

EMPTY = gzip.compress(b"", mtime=0)


# Long parts, of which each takes several steps to unpack, are made of short ones: drawing them byte by byte is slow.
short = st.binary(max_size=30)
long = st.builds(bytes.__mul__, st.binary(min_size=1, max_size=9), st.just(9000))


@given(st.lists(short | long, max_size=9))
def test_a_gzip_file_is_all_of_its_members(parts: list[bytes]) -> None:
    packed = b"".join(gzip.compress(part, 1, mtime=0) for part in [b"", *parts])
    whole = b"".join(parts)
    assert asyncio.run(unpack(packed, b"gzip", len(whole))) == whole
    if whole:
        with pytest.raises(TooLargeError):
            asyncio.run(unpack(packed, b"gzip", len(whole) - 1))


@given(st.binary())
def test_any_bytes_are_unpacked_or_damaged(packed: bytes) -> None:
    for encoding in (b"gzip", b"deflate"):
        for sent in (packed, EMPTY + packed, zlib.compress(b"") + packed):
            try:
                asyncio.run(unpack(sent, encoding, 100))
            except (DamagedError, TooLargeError):
                continue


async def test_members_that_together_grow_too_large_are_refused() -> None:
    bomb = gzip.compress(bytes(600_000), mtime=0)
    with pytest.raises(TooLargeError):
        await unpack(bomb * 3, b"gzip", 1_799_999)
    assert await unpack(bomb * 3, b"gzip", 1_800_000) == bytes(1_800_000)


async def test_what_grows_more_than_any_task_would_is_refused_early() -> None:
    grown: list[int] = []
    with pytest.raises(TooLargeError):
        await unpack(gzip.compress(bytes(100_000_000), mtime=0), b"gzip", 128 * 2**20, grown.append)
    assert ANY_RATIO < max(grown) + 2**20 < 25_000_000
    assert grown == sorted(grown)


async def test_members_that_hold_nothing_come_to_an_end() -> None:
    assert await unpack(EMPTY * MEMBERS_MAX, b"gzip", 100) == b""
    with pytest.raises(DamagedError):
        await unpack(EMPTY * (MEMBERS_MAX + 1), b"gzip", 100)


@pytest.mark.parametrize("encoding", [b"", b"identity", b"br", b"gzip, gzip"])
async def test_what_is_not_known_is_said_to_be_so(encoding: bytes) -> None:
    with pytest.raises(UnknownEncodingError):
        await unpack(EMPTY, encoding, 100)
