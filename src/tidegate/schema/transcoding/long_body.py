"""Long bodies of JSON, looked at before anything is made of them.

``outline`` walks over the texts, brackets and commas of a body, in steps, and finds the items of the list right
below the outermost object. So a batch of a hundred tasks of a megabyte can be read one task after the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from tidegate.core.errors import InvalidArgument
from tidegate.schema.limits import COUNTED_MAX

VALUES_MAX: Final = 20_000
"""Values that a body may have for each task it may hold: twice as many as 4,096 headers make, and as the settings of a
queue with a thousand overrides."""

_WINDOW: Final = 64 * 1024  # two milliseconds, when all of it is escaped
_LONG_WINDOW: Final = 4 * 1024 * 1024  # a millisecond
_STEPS: Final = 500
_MARK: Final = re.compile(rb'["\[\]{},]')
_INSIDE: Final = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_ITEMS_DEPTH: Final = 2


class Item(NamedTuple):
    """An item of a list below the outermost object: where it begins and ends in the body."""

    begin: int
    end: int


class Outline:
    """The longest list below the outermost object: from its bracket to behind the closing one, and its items; of many
    no more than the first ``COUNTED_MAX`` and one.
    """

    def __init__(self) -> None:
        self.begin = self.end = 0
        self.items: list[Item] = []
        self._depth = 0
        self._opened = -1  # where the list begins that is just being walked over; none: -1
        self._next = 0  # where its next item begins
        self._items: list[Item] = []

    def mark(self, sign: bytes, at: int) -> None:
        """Take note of a bracket or a comma outside of texts."""
        in_list = self._opened >= 0 and self._depth == _ITEMS_DEPTH
        if in_list and sign in b",]":
            if len(self._items) <= COUNTED_MAX:  # more are as good as that many, and to free a million takes long
                self._items.append(Item(self._next, at))
            self._next = at + 1
        if sign in b"[{":
            self._depth += 1
            if sign == b"[" and self._depth == _ITEMS_DEPTH:
                self._opened, self._next, self._items = at, at + 1, []
        elif sign in b"]}":
            self._depth -= 1
            if in_list and sign == b"]":
                if len(self._items) > len(self.items):
                    self.begin, self.end, self.items = self._opened, at + 1, self._items
                self._opened = -1


def outline(body: bytes | bytearray, most: int, into: Outline) -> Iterator[None]:
    """Fill ``into``, in steps. No body has more than ``most`` values.

    A body that is not JSON may get any outline; whoever decodes its parts finds that out.

    Raises:
        InvalidArgument: There are more than ``most`` values.
    """
    values = steps = at = 0
    while at < len(body):
        found = _MARK.search(body, at, at + _WINDOW)
        steps += 1
        if found is None:
            at += _WINDOW
            yield
        elif (sign := found[0]) == b'"':
            at = found.end()
            while at >= 0:
                at = _in_string(body, at)
                yield
            at = -at
        else:
            at = found.end()
            into.mark(sign, found.start())
            values += sign not in b"]}"
            if values > most:
                raise InvalidArgument(f"Invalid JSON payload received. It has more than {most} values.")
            if steps % _STEPS == 0:
                yield


def _in_string(body: bytes | bytearray, at: int) -> int:
    """How far one look gets into the text that goes on at ``at``; where it ends, as a negative number."""
    window = at + _LONG_WINDOW
    quote = body.find(b'"', at, window)
    end = min(window, len(body)) if quote < 0 else quote
    if body.find(b"\\", at, end) >= 0:  # the slow way, five to twenty times
        inside = _INSIDE.match(body, at, at + _WINDOW)
        end = at if inside is None else inside.end()
    if end >= len(body) or end == at or body[end : end + 1] == b'"':
        return -(end + 1)
    return end  # the window's end, perhaps between a backslash and what it escapes
