"""Attempts that were kept, for those who ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from tidegate.core import refusals
from tidegate.core.names import QueueName, TaskName
from tidegate.engine.attempt_walk import AttemptPlace, AttemptWalk, Listed
from tidegate.engine.lookup import found
from tidegate.engine.ports.shelf import StoredAttempt
from tidegate.engine.ports.store import Reader
from tidegate.engine.ports.world import World

LIVES: Final = 10
"""Of so many dead tasks that had one ID the attempts are listed."""
OF_A_TASK: Final = 1000
"""Attempts of a task that are listed at most; a queue keeps 100 of a task at most, dead ones bring theirs."""


class Attempts:
    """What the operator's calls about attempts do, with values checked and names parsed."""

    def __init__(self, world: World) -> None:
        self._store = world.store
        self._clock = world.clock

    async def list_all(
        self,
        queue: QueueName,
        place: AttemptPlace,
        limit: int,
        chooses: Callable[[StoredAttempt], bool] | None = None,
    ) -> Listed:
        """Kept attempts of a queue's tasks, newest first, those behind a place. Those of a dead task stand where it
        died. Raises NotFound.
        """
        return await AttemptWalk(self._store, queue, place).listed(limit, chooses)

    async def list(self, task: TaskName) -> Sequence[StoredAttempt]:
        """Kept attempts of a task, newest first, also when it has died or is finished. NotFound for a task that never
        was.
        """
        now = self._clock.now()

        def look(reader: Reader) -> Sequence[StoredAttempt]:
            stored = found(reader.queue(task.parent), otherwise=refusals.not_found)
            kept = list(reader.attempts(stored, task.task, None, OF_A_TASK))
            for dead in reader.dead_tasks_of(stored, task.task, LIVES):
                kept += [StoredAttempt(task.task, record, 0) for record in reversed(dead.attempts)]
            if kept or reader.task(stored, task.task, body=False) is not None:
                return kept[:OF_A_TASK]
            if not reader.entombed(stored, [task.task], now):
                raise refusals.not_found()
            return []

        return await self._store.read(look)

    async def get(self, task: TaskName, number: int) -> StoredAttempt:
        """The newest attempt of that number. Raises NotFound."""
        for each in await self.list(task):
            if each.record.number == number:
                return each
        raise refusals.not_found()
