"""How often an address may try: wrong credentials in a minute, calls of the token endpoint in a second."""

from __future__ import annotations

from typing import Final

ADDRESSES_MAX: Final = 10_000
"""Addresses that are counted. When there are more, counting begins anew."""


class Throttle:
    """Counts events of each address: ``most`` in a span of ``seconds``."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._counts: dict[str, tuple[float, int]] = {}

    def note(self, address: str, now: float) -> None:
        """One more; ``now`` is in seconds that never step back."""
        begun, count = self._counts.get(address, (now, 0))
        if now - begun >= self._seconds:
            begun, count = now, 0
        if len(self._counts) >= ADDRESSES_MAX and address not in self._counts:
            self._counts.clear()
        self._counts[address] = begun, count + 1

    def wait(self, address: str, now: float) -> float:
        """Seconds until the address may try again; 0 for at once."""
        begun, count = self._counts.get(address, (now, 0))
        return max(0.0, begun + self._seconds - now) if count >= self._most else 0.0
