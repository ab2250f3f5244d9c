"""The bytes of requests and answers in flight, counted together and bounded.

Only messages over ``SMALL`` bytes are counted, from when their bytes arrive: the others are short, and counting them
would cost each call something.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from tidegate.core.errors import ResourceExhausted, RetryInfo

IN_FLIGHT_MAX: Final = 256 * 1024 * 1024
"""Bytes, unless the operator says otherwise."""

TRY_AGAIN_AFTER: Final = timedelta(seconds=1)


class InFlight:
    """How many bytes all calls hold. ``most`` may be changed at any time."""

    def __init__(self, most: int = IN_FLIGHT_MAX) -> None:
        self.most = most
        self.bytes = 0

    def hold(self) -> HeldBytes:
        """The share of one call, empty at first."""
        return HeldBytes(self)


class HeldBytes:
    """What one call holds; ``close`` gives it back."""

    __slots__ = ("_all", "_bytes")

    def __init__(self, in_flight: InFlight) -> None:
        self._all = in_flight
        self._bytes = 0

    def grow_to(self, size: int) -> None:
        """Hold so many bytes from now on, if that is more than before. Raises ResourceExhausted."""
        more = size - self._bytes
        if more > 0:
            # One call alone may always go on: its own limit bounds it.
            if self._all.bytes + more > self._all.most and self._all.bytes > self._bytes:
                raise ResourceExhausted(
                    f"Requests and answers in flight hold {self._all.bytes} bytes, and {more} more would exceed the"
                    f" limit of {self._all.most}. Try again later.",
                    RetryInfo(TRY_AGAIN_AFTER),
                )
            self.insist(size)

    def insist(self, size: int) -> None:
        """Hold so many bytes, whatever the limit says: for the answer to what is done already."""
        more = max(size - self._bytes, 0)
        self._all.bytes += more
        self._bytes += more

    def close(self) -> None:
        """Hold nothing any more."""
        self._all.bytes -= self._bytes
        self._bytes = 0
