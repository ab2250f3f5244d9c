"""How many calls of each method were answered, with which code, and how long they took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from tidegate.core.histogram import Histogram

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper ends of buckets: from a get to a long list on a slow disk."""


class MethodCounts:
    """The calls of one method over one transport."""

    __slots__ = ("codes", "durations")

    def __init__(self) -> None:
        self.codes: Counter[str] = Counter()
        self.durations = Histogram(SECONDS)


class CallCounts:
    """Counts calls as they are answered. Methods are those that the server knows, so there are only so many.

    ``grpc`` is by the path of the method, ``rest`` by its full name.
    """

    def __init__(self) -> None:
        self.grpc: Mapping[str, MethodCounts] = _Methods()
        self.rest: Mapping[str, MethodCounts] = _Methods()


class _Methods(dict[str, MethodCounts]):
    def __missing__(self, method: str) -> MethodCounts:
        counts = self[method] = MethodCounts()
        return counts
