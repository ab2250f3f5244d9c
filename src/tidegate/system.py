"""The real clock and the real dice."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
import uuid
from datetime import UTC, datetime

RANDOM_BITS = 22
"""Low bits of a task ID that nobody can guess; the bits above are milliseconds since 1970."""

STEP_BITS = 16
"""How far, at random, an ID may lie above the one before it in the same millisecond."""


class SystemClock:
    """``ports.Clock`` on the machine's clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class RandomIds:
    """``ports.Ids``: task IDs of 19 decimal digits that grow with time, also within a millisecond."""

    def __init__(self) -> None:
        self._last = 0
        self._random = b""
        self._used = 0

    def task_id(self, now: datetime) -> str:
        dice = self._dice()
        new = (int(now.timestamp() * 1000) << RANDOM_BITS) | (dice >> (32 - RANDOM_BITS))
        if new <= self._last:
            new = self._last + 1 + (dice >> (32 - STEP_BITS))
        self._last = new
        return str(new)

    def etag(self) -> bytes:
        return secrets.token_bytes(8)

    def operation_id(self) -> str:
        return str(uuid.uuid4())

    def _dice(self) -> int:
        """32 random bits; asked of the system a page at a time, which saves a call into it per task."""
        if self._used == len(self._random):
            self._random, self._used = os.urandom(4096), 0
        dice = int.from_bytes(self._random[self._used : self._used + 4], "big")
        self._used += 4
        return dice
