"""Who may still hand something over: new tasks are refused before they would wait for the disk, or fill the memory."""

from __future__ import annotations

from datetime import timedelta

from tidegate.core.errors import ResourceExhausted, RetryInfo
from tidegate.engine.ports.world import MachineClock

LONGEST_WAIT = 1.5
"""Seconds that the oldest new task may have waited for the disk while others are still let in: with the commit of its
own batch nobody waits longer than two."""

MOST_BYTES = 256 * 2**20
"""Bytes on their way into the store at most: bodies, or whole requests where these are read in the transaction."""

TRY_AGAIN_AFTER = timedelta(seconds=1)


class Admission:
    """Counts what is on its way into the store, in the order it came."""

    def __init__(self, machine: MachineClock) -> None:
        self._machine = machine
        self._bytes = 0
        self._waiting: dict[int, float] = {}  # a ticket for each who waits, and when it came; the oldest first
        self._tickets = 0

    def enter(self, size: int) -> int:
        """Let ``size`` bytes in until ``leave`` gets the ticket. Raises ResourceExhausted."""
        now = self._machine.monotonic()
        if self._waiting:
            if now - next(iter(self._waiting.values())) > LONGEST_WAIT:
                raise _refused("The server's disk does not keep up with new tasks.")
            if self._bytes + size > MOST_BYTES:
                raise _refused("More bytes of new tasks are on their way to the disk than the server may hold.")
        ticket = self._tickets = self._tickets + 1
        self._waiting[ticket] = now
        self._bytes += size
        return ticket

    def leave(self, ticket: int, size: int) -> None:
        del self._waiting[ticket]
        self._bytes -= size


def _refused(why: str) -> ResourceExhausted:
    return ResourceExhausted(why, RetryInfo(TRY_AGAIN_AFTER))
