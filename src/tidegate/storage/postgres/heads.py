"""How far a queue's head may move on: no task that waits is due before it."""

from __future__ import annotations

from msgspec import Struct

from tidegate.storage.postgres.queue_row import HEAD_SLACK

WORTH = 10_000_000
"""Microseconds by which a head has to lag behind before it is written by itself, without a task that starts."""


class Look(Struct):
    """What a claim saw of a queue: up to ``limit`` waiting tasks that were due at ``now``, their places in line by seq;
    those that it started are taken out of ``waiting``.
    """

    limit: int
    now: int
    from_the_beginning: bool = False
    waiting: dict[int, int] = {}
    full: bool = False
    last: int = 0
    next_due: int | None = None

    def worth_keeping(self, before: int, head: int) -> bool:
        return abs(head - before) >= WORTH


def next_head(head: int, look: Look) -> int:
    """The head after a look.

    If the claim was given all that it asked for, others may wait behind the last of its tasks; else none waits that is
    due. Transactions under way may have tasks before now that nobody sees yet: the head stays behind.
    """
    latest = look.now - HEAD_SLACK
    if look.waiting:  # seen, but not started
        latest = min(latest, *look.waiting.values())
    if look.full:
        latest = min(latest, look.last)
    if look.from_the_beginning:
        return latest
    return max(head, latest)
