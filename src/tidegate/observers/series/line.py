"""The rows of one queue in one resolution, the newest so many of them, packed tightly.

Full chunks are kept column by column, each in as few bytes a value as it needs; a column of zeros needs none.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from tidegate.observers.series.metric import WIDTH

CHUNK: Final = 60
"""Rows of a full chunk."""
VALUE_MAX: Final = 2**32 - 1
SHORT_MAX: Final = 2**16 - 1

CHUNK_OVERHEAD: Final = 200
"""Bytes of memory that a chunk takes beside what is packed in it: a tuple, its numbers, the head of the bytes."""

_TYPES: Final = {1: "B", 2: "H", 4: "I"}


class Chunk(NamedTuple):
    """Packed rows of adjacent slots."""

    slot: int
    rows: int
    packed: bytes


class Line:
    """Rows by their slots: the number of a step since 1970. Slots without a row may lie between."""

    __slots__ = ("_chunks", "_full", "_open", "_packed", "_slot")

    def __init__(self, rows: int) -> None:
        """``rows`` is how many are kept, a multiple of ``CHUNK``; up to a chunk more stay for a while."""
        self._full = rows // CHUNK
        self._chunks: deque[Chunk] = deque()
        self._packed = 0  # bytes that the chunks take
        self._open = array("H")
        self._slot = 0  # of the first open row

    @property
    def size(self) -> int:
        """Bytes of memory that its rows take."""
        return self._packed + len(self._open) * self._open.itemsize

    def shorten(self, size: int) -> None:
        """Forget the oldest chunks until the rows take so many bytes, or none but the open ones are left."""
        while self._chunks and self.size > size:
            self._drop_oldest()

    def add(self, slot: int, row: Sequence[int]) -> None:
        """Add a row behind all others."""
        rows = len(self._open) // WIDTH
        if rows == CHUNK or (rows and slot != self._slot + rows):
            chunk = Chunk(self._slot, rows, pack(self._open))
            self._chunks.append(chunk)
            self._packed += len(chunk.packed) + CHUNK_OVERHEAD
            while len(self._chunks) > self._full:
                self._drop_oldest()
            self._open = array("H")
            rows = 0
        if not rows:
            self._slot = slot
        if self._open.typecode == "H" and max(row) > SHORT_MAX:
            self._open = array("I", self._open)
        self._open.extend([min(value, VALUE_MAX) for value in row])

    def read(self, columns: Sequence[int], begin: int, end: int) -> Iterator[tuple[int, tuple[int, ...]]]:
        """The values of some columns, of the slots from ``begin`` to before ``end`` that have a row."""
        opened = len(self._open) // WIDTH
        for slot, rows, packed in (*self._chunks, Chunk(self._slot, opened, b"")):
            first, last = max(begin, slot), min(end, slot + rows)
            if first >= last:
                continue
            values = [
                unpack(packed, column, rows) if packed else self._open[column::WIDTH].tolist() for column in columns
            ]
            for at in range(first, last):
                yield at, tuple(each[at - slot] for each in values)

    def _drop_oldest(self) -> None:
        self._packed -= len(self._chunks.popleft().packed) + CHUNK_OVERHEAD


def pack(rows: array[int]) -> bytes:
    """Rows of ``WIDTH`` values, one after the other, as columns: for each the bytes a value takes, then the values."""
    sizes = bytearray()
    packed = []
    for column in range(WIDTH):
        values = rows[column::WIDTH]
        highest = max(values)
        size = 0 if not highest else 1 if highest < 2**8 else 2 if highest < 2**16 else 4
        sizes.append(size)
        if size:
            packed.append(array(_TYPES[size], values).tobytes())
    return bytes(sizes) + b"".join(packed)


def unpack(packed: bytes, column: int, rows: int) -> list[int]:
    """The values of a column of packed rows."""
    size = packed[column]
    if not size:
        return [0] * rows
    start = WIDTH + sum(packed[:column]) * rows
    return array(_TYPES[size], packed[start : start + size * rows]).tolist()
