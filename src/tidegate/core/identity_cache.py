"""Bytes made of an object that comes again and again, remembered by its identity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")
D = TypeVar("D")

KEPT: Final = 1024
KEPT_BYTES: Final = 2048  # longer ones are made anew each time: what comes from callers must not fill the memory


class Remembered(Generic[T, D]):
    """``make(one, detail)``, made once for each ``one`` that is handed in again and again, as checked targets are.

    ``one`` must never change. A ``detail`` that differs from the last one makes the bytes anew. Used from any thread.
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
