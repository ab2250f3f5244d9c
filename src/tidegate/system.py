"""The real clock and the real dice."""

from __future__ import annotations

import asyncio
import os
import secrets
import struct
import time
import uuid
from datetime import UTC, datetime

from tidegate.core.times import EPOCH

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
        self._now, self._time = EPOCH, 0
        self._dice: list[int] = []

    def task_id(self, now: datetime) -> str:
        if now is not self._now:  # many at a time are asked for
            self._now, self._time = now, int(now.timestamp() * 1000) << RANDOM_BITS
        if not self._dice:
            self._throw()
        dice = self._dice.pop()
        new = self._time | (dice >> (32 - RANDOM_BITS))
        if new <= self._last:
            new = self._last + 1 + (dice >> (32 - STEP_BITS))
        self._last = new
        return str(new)

    def etag(self) -> bytes:
        return secrets.token_bytes(8)

    def operation_id(self) -> str:
        return str(uuid.uuid4())

    def _throw(self) -> None:
        """Random numbers of 32 bits; asked of the system a page at a time, which saves a call into it per task."""
        self._dice = list(struct.unpack(">1024I", os.urandom(4096)))
