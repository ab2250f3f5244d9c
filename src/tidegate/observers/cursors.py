"""Cursors: what a watcher says of the last event that it has, so that it goes on from there."""

from __future__ import annotations

from tidegate.core.errors import InvalidArgument


def cursor_of(life: str, number: int) -> str:
    """The cursor of the event with this number in this life of the server."""
    return f"{life}-{number}"


def read_cursor(cursor: str, life: str, last: int) -> int | None:
    """The number that a cursor names, None when it is of another life of the server.

    ``last`` is the newest number so far. Raises InvalidArgument.
    """
    its_life, dash, digits = cursor.rpartition("-")
    if not dash or not its_life or not digits.isascii() or not digits.isdecimal() or len(digits) > len(str(2**63)):
        raise InvalidArgument(f"The cursor {cursor[:80]!r} was not made by this API.")
    if its_life != life:
        return None
    number = int(digits)
    if number > last:
        raise InvalidArgument(f"The cursor {cursor[:80]!r} is of no event so far.")
    return number
