"""All kept attempts of a queue, newest first: those of tasks that are there or finished, and of dead ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from tidegate.core.dead_letters import DeadTask
from tidegate.core.names import QueueName
from tidegate.engine.lookup import found
from tidegate.engine.ports.shelf import StoredAttempt
from tidegate.engine.ports.store import Reader, Store

KEPT_AT_ONCE: Final = 200
"""Attempts that are read in one step, some milliseconds of the reader's time."""
DEAD_AT_ONCE: Final = 8
"""Dead tasks that are read in one step, with 100 attempts each at most."""
SCANNED_MAX: Final = 20_000
"""Attempts that one call looks at."""


class AttemptPlace(Struct, frozen=True):
    """How far a list came: below the kept attempt with the place ``kept``, and at the dead task ``dead``, of which
    ``shown`` attempts are behind it. None is the beginning.
    """

    kept: int | None = None
    dead: int | None = None
    shown: int = 0


class Listed(Struct, frozen=True):
    """Attempts, each with the place behind it, and where to go on; None at the end."""

    attempts: list[tuple[StoredAttempt, AttemptPlace]]
    go_on: AttemptPlace | None


class AttemptWalk:
    """Goes through the attempts of a queue. Those of a dead task stand together, at the time of its death."""

    def __init__(self, store: Store, queue: QueueName, place: AttemptPlace) -> None:
        self._store = store
        self._queue = queue
        self.place = place
        self._kept: deque[StoredAttempt] = deque()
        self._dead: deque[tuple[DeadTask, int]] = deque()
        self._all_kept = self._all_dead = False
        self._looked_at = place
        """The place behind all that was read."""

    async def listed(self, limit: int, chooses: Callable[[StoredAttempt], bool] | None) -> Listed:
        """The next ``limit`` attempts that ``chooses`` takes, all with None; fewer when ``SCANNED_MAX`` were looked
        at. Raises NotFound.
        """
        chosen: list[tuple[StoredAttempt, AttemptPlace]] = []
        for _ in range(SCANNED_MAX):
            before = self.place
            attempt = await self._next()
            if attempt is None:
                return Listed(chosen, None)
            if chooses is None or chooses(attempt):
                if len(chosen) == limit:
                    return Listed(chosen, before)
                chosen.append((attempt, self.place))
        return Listed(chosen, self.place)

    async def _next(self) -> StoredAttempt | None:
        while not (self._kept or self._all_kept) or not (self._dead or self._all_dead):
            self._take(*await self._store.read(self._read))
        kept = self._kept[0] if self._kept else None
        dead, number = self._dead[0] if self._dead else (None, 0)
        if kept is not None and (dead is None or kept.record.end_time >= dead.death_time):
            self.place = replace(self.place, kept=kept.place)
            return self._kept.popleft()
        if dead is None:
            return None
        self._dead.popleft()
        behind = len(dead.attempts) - number
        self.place = replace(self.place, dead=dead.id, shown=behind)
        return StoredAttempt(dead.task.name.task, dead.attempts[number], 0)

    def _read(self, reader: Reader) -> tuple[Sequence[StoredAttempt], Sequence[DeadTask]]:
        """The next of each kind, nothing of one of which there are some still."""
        stored, behind = found(reader.queue(self._queue)), self._looked_at
        more_kept, more_dead = not (self._kept or self._all_kept), not (self._dead or self._all_dead)
        return (
            reader.attempts(stored, None, behind.kept, KEPT_AT_ONCE) if more_kept else (),
            reader.dead_tasks_with_attempts(stored, behind.dead, DEAD_AT_ONCE) if more_dead else (),
        )

    def _take(self, kept: Sequence[StoredAttempt], dead_tasks: Sequence[DeadTask]) -> None:
        behind = self._looked_at
        if not self._kept:
            self._kept.extend(kept)
            self._all_kept = len(kept) < KEPT_AT_ONCE
        if not self._dead:
            for dead in dead_tasks:
                left = len(dead.attempts) - (behind.shown if dead.id == behind.dead else 0)
                self._dead.extend((dead, number) for number in reversed(range(left)))
            self._all_dead = len(dead_tasks) < DEAD_AT_ONCE
        if kept:
            self._looked_at = replace(self._looked_at, kept=kept[-1].place)
        if dead_tasks:
            self._looked_at = replace(self._looked_at, dead=dead_tasks[-1].id - 1, shown=0)
