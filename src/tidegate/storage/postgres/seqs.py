"""Numbers for new tasks, in the order of creation as far as nodes keep step."""

from __future__ import annotations

from typing import Final

from tidegate.storage.postgres.statements import SEQS_PER_BLOCK
from tidegate.storage.postgres.tables import PostgresTables

BLOCK_KEPT: Final = 600_000_000
"""Microseconds after which the rest of a block is dropped: an idle node's old numbers would put new tasks before those
of others. Who walks the tasks by age is off by no more than this."""


class Seqs:
    """Takes a block of numbers at a time from the database."""

    def __init__(self, tables: PostgresTables) -> None:
        self._tables = tables
        self._next = self._end = 0
        self._taken_at = 0

    def drop(self) -> None:
        """Give none of the block that is left."""
        self._next = self._end

    def take(self, count: int) -> list[int]:
        """So many numbers, each never given twice."""
        if abs(self._tables.now() - self._taken_at) > BLOCK_KEPT:
            self._next = self._end
        if self._end - self._next >= count:
            self._next += count
            return list(range(self._next - count, self._next))
        numbers = list(range(self._next, self._end))
        missing = count - len(numbers)
        for first in self._tables.next_seqs(-(-missing // SEQS_PER_BLOCK)):
            self._next, self._end = first, first + SEQS_PER_BLOCK
            taken = min(count - len(numbers), SEQS_PER_BLOCK)
            numbers += range(first, first + taken)
            self._next += taken
        self._taken_at = self._tables.now()
        return numbers
