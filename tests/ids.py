"""IDs that count, so that every run has the same."""

from __future__ import annotations

from datetime import datetime


class CountingIds:
    """``ports.Ids``, of which each has a number of its own; those of tasks have so many digits at least."""

    def __init__(self, digits: int = 20) -> None:
        self._digits = digits
        self._given = 0

    def task_ids(self, now: datetime, count: int) -> list[str]:
        return [str(self._next()).zfill(self._digits) for _ in range(count)]

    def etag(self) -> bytes:
        return self._next().to_bytes(8, "big")

    def operation_id(self) -> str:
        return f"operation-{self._next()}"

    def _next(self) -> int:
        self._given += 1
        return self._given
