"""The bytes of requests and answers in flight, counted together and bounded.

Only messages over ``SMALL`` bytes are counted, while their bytes arrive. Counting the others would slow every call
down.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from tidegate.core.errors import ResourceExhausted, RetryInfo

IN_FLIGHT_MAX: Final = 256 * 1024 * 1024
"""The default limit in bytes."""

TRY_AGAIN_AFTER: Final = timedelta(seconds=1)


class InFlight:
    """The bytes that all calls hold, at most ``most``, which may be changed at any time."""

    def __init__(self, most: int = IN_FLIGHT_MAX) -> None:
        self.most = most
        self.bytes = 0

    def hold(self) -> HeldBytes:
        """The share of one call, empty at first."""
        return HeldBytes(self)


class HeldBytes:
    """The bytes that one call holds, until ``close``."""

    __slots__ = ("_all", "_bytes")

    def __init__(self, in_flight: InFlight) -> None:
        self._all = in_flight
        self._bytes = 0

    def grow_to(self, size: int) -> None:
        """Hold this many bytes, if that is more than before. Raises ResourceExhausted."""
        more = size - self._bytes
        if more > 0:
            # A single call is always allowed: it has a limit of its own.
            if self._all.bytes + more > self._all.most and self._all.bytes > self._bytes:
                raise ResourceExhausted(
                    f"Requests and answers in flight hold {self._all.bytes} bytes, and {more} more would exceed the"
                    f" limit of {self._all.most}. Try again later.",
                    RetryInfo(TRY_AGAIN_AFTER),
                )
            self.insist(size)

    def insist(self, size: int) -> None:
        """Hold this many bytes, even beyond the limit, for an answer that reports a change that was made."""
        more = max(size - self._bytes, 0)
        self._all.bytes += more
        self._bytes += more

    def close(self) -> None:
        """Hold nothing any more."""
        self._all.bytes -= self._bytes
        self._bytes = 0
