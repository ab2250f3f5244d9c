"""Queues in numbers, for those who look after them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from tidegate.core.names import ProjectName, QueueName
from tidegate.core.queue_numbers import QueueNumbers
from tidegate.engine.idleness import TasksLeft, tasks_left
from tidegate.engine.lookup import found
from tidegate.engine.ports.store import Reader, StoredQueue
from tidegate.engine.ports.world import World

COUNTED_MAX: Final = 10_000
"""Waiting tasks of each kind that are counted of a queue: a millisecond of the reader's time."""


class Numbers:
    """Looks at queues. Cheap, however many tasks they have."""

    def __init__(self, world: World) -> None:
        self._store = world.store
        self._clock = world.clock

    async def of(self, name: QueueName) -> QueueNumbers:
        """One queue. Raises NotFound."""
        return (await self._store.read(lambda reader: self._look(reader, [found(reader.queue(name))])))[0]

    async def listed(self, parent: str, after: str, limit: int) -> Sequence[QueueNumbers]:
        """Up to ``limit`` queues of ``projects/P/locations/L`` by their IDs, those after the ID ``after``."""
        return await self._store.read(lambda reader: self._look(reader, reader.queues(parent, after, limit)))

    async def everywhere(self, after: str, limit: int) -> Sequence[QueueNumbers]:
        """The same of all locations, by their names, those after the name ``after``."""
        return await self._store.read(lambda reader: self._look(reader, reader.queues_under("projects/", after, limit)))

    async def left(self, parent: QueueName | ProjectName) -> TasksLeft:
        """How many tasks are left in a queue, or in all queues of a project. Raises NotFound for a queue that is not
        there.
        """
        return await tasks_left(self._store, parent)

    async def shelved(self, names: Sequence[QueueName]) -> Mapping[QueueName, int]:
        """How many dead tasks lie on the shelf of each queue; without those queues that are not there."""

        def look(reader: Reader) -> dict[QueueName, int]:
            there = [stored for stored in map(reader.queue, names) if stored is not None]
            return {stored.queue.name: reader.shelf(stored).tasks for stored in there}

        return await self._store.read(look)

    def _look(self, reader: Reader, queues: Sequence[StoredQueue]) -> list[QueueNumbers]:
        now = self._clock.now()
        waiting = reader.waiting_counts(queues, now, COUNTED_MAX)
        return [
            QueueNumbers(stored.queue, stored.flow, tally.tasks, tally.next_due, counts, reader.shelf(stored).tasks)
            for stored, tally, counts in zip(queues, reader.tallies(queues), waiting, strict=True)
        ]
