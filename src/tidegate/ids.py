"""New names: IDs of tasks and operations, etags."""

from __future__ import annotations

import os
import secrets
import struct
import uuid
from datetime import datetime

RANDOM_BITS = 22
"""Low bits of a task ID that nobody can guess; the bits above are milliseconds since 1970."""

STEP_BITS = 16
"""How far, at random, an ID may lie above the one before it in the same millisecond."""


class RandomIds:
    """``ports.Ids``: task IDs of 19 decimal digits that grow with time, also within a millisecond."""

    def __init__(self) -> None:
        self._last = 0
        self._dice: list[int] = []

    def task_ids(self, now: datetime, count: int) -> list[str]:
        while len(self._dice) < count:
            self._throw()
        start = int(now.timestamp() * 1000) << RANDOM_BITS
        dice, last = self._dice, self._last
        ids: list[str] = []
        for _ in range(count):
            thrown = dice.pop()
            new = start | (thrown >> (32 - RANDOM_BITS))
            if new <= last:
                new = last + 1 + (thrown >> (32 - STEP_BITS))
            last = new
            ids.append(str(new))
        self._last = last
        return ids

    def etag(self) -> bytes:
        return secrets.token_bytes(8)

    def operation_id(self) -> str:
        return str(uuid.uuid4())

    def _throw(self) -> None:
        """Random numbers of 32 bits; asked of the system a page at a time, which saves a call into it per task."""
        self._dice += struct.unpack(">1024I", os.urandom(4096))
