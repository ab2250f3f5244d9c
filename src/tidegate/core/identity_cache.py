"""A cache of bytes made from objects that are used many times, looked up by identity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")
D = TypeVar("D")

KEPT: Final = 1024
KEPT_BYTES: Final = 2048  # longer results are not kept, because callers choose their size


class Remembered(Generic[T, D]):
    """Calls ``make(one, detail)`` once for each ``one`` and keeps the result, as for the checked targets of tasks.

    ``one`` must be immutable. When ``detail`` differs from the last one, the bytes are made again. Safe in any thread.
    """

    __slots__ = ("_known", "_make")

    def __init__(self, make: Callable[[T, D], bytes]) -> None:
        self._make = make
        self._known: dict[int, tuple[T, D, bytes]] = {}

    def __call__(self, one: T, detail: D) -> bytes:
        known = self._known.get(id(one))
        if known is not None and known[0] is one and known[1] == detail:
            return known[2]
        made = self._make(one, detail)
        if len(made) <= KEPT_BYTES:
            if len(self._known) >= KEPT:
                self._known.clear()
            self._known[id(one)] = (one, detail, made)
        return made
