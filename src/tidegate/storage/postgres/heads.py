"""How far a queue's head may move on: no task that waits is due before it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from tidegate.storage.postgres.queue_row import HEAD_SLACK

WORTH: Final = 10_000_000
"""Microseconds by which a head has to lag behind before it is written by itself, without a task that starts."""

LOOK_BACK_EVERY: Final = 60_000_000
"""Microseconds between two looks at all of a queue's waiting tasks, for those that were committed so late that the head
had passed them."""


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

    def saw(self, waiting: dict[int, int]) -> None:
        """The claim was given these tasks."""
        self.waiting = waiting
        self.full = len(waiting) >= self.limit
        self.last = max(waiting.values(), default=0)


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


class Heads:
    """What the transactions of a node see of queues, and how it moves their heads. ``clear`` begins a transaction."""

    def __init__(self) -> None:
        self._looks: dict[int, Look] = {}
        self._waits: set[int] = set()
        self._looked_back: dict[int, int] = {}
        self._behind: set[int] = set()

    def clear(self) -> None:
        self._looks.clear()
        self._waits.clear()

    def look(self, queue: int, head: int, limit: int, now: int) -> tuple[Look, int]:
        """A look that begins, and the place in line from which on: the head, or the beginning now and then, when a
        task is known to be before the head, and when the clock was set back.
        """
        last = self._looked_back.setdefault(queue, now)
        whole = queue in self._behind or now < head or abs(now - last) >= LOOK_BACK_EVERY
        look = self._looks[queue] = Look(limit, now, whole)
        return look, 0 if whole else head

    def started(self, seq: int) -> bool:
        """Whether a task that starts was among those that were looked at."""
        return any(look.waiting.pop(seq, None) is not None for look in self._looks.values())

    def following(self, queue: int, head: int) -> int:
        """The queue's head after this transaction."""
        look = self._looks.get(queue)
        return head if look is None else next_head(head, look)

    def worth_keeping(self, queue: int, head: int) -> bool:
        """Whether the head has moved so far, or back, that it is written though nothing else has changed."""
        moved = self.following(queue, head) - head
        return moved < 0 or moved >= WORTH

    def waits(self, queue: int) -> None:
        """This transaction lets a task of the queue wait."""
        self._waits.add(queue)

    def committed(self) -> None:
        for queue, look in self._looks.items():
            if look.from_the_beginning:
                self._looked_back[queue] = look.now
                self._behind.discard(queue)

    def was_late(self) -> None:
        """The commit took so long that heads may have passed its tasks: the next claim of their queues looks back."""
        self._behind.update(self._waits)

    def are_behind(self, queues: Iterable[int]) -> None:
        """Tasks before the heads of these queues were seen. Any thread may tell."""
        self._behind.update(queues)
