"""Queues in numbers, for those who look after them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from tidegate.core.names import ProjectName, QueueName
from tidegate.core.queue_numbers import QueueNumbers, WaitingCounts
from tidegate.engine.idleness import TasksLeft, tasks_left
from tidegate.engine.lookup import found
from tidegate.engine.ports.store import Reader, StoredQueue
from tidegate.engine.ports.world import World

COUNTED_MAX: Final = 10_000
"""Waiting tasks of each kind that are counted of a queue: a millisecond of the reader's time."""
AT_ONCE: Final = 50
"""Queues that are looked at together."""
READING: Final = 0.005
"""Seconds after which a reader of many queues is given back, though there are more."""
NOTHING_WAITS: Final = WaitingCounts()


class Numbers:
    """Looks at queues. Cheap, however many tasks they have."""

    def __init__(self, world: World) -> None:
        self._store = world.store
        self._seconds = world.machine.monotonic
        self._clock = world.clock

    async def of(self, name: QueueName) -> QueueNumbers:
        """One queue. Raises NotFound."""
        return (await self._store.read(lambda reader: self._look(reader, [found(reader.queue(name))])))[0]

    async def listed(self, parent: str, after: str, limit: int) -> Sequence[QueueNumbers]:
        """Up to ``limit`` queues of ``projects/P/locations/L`` by their IDs, those after the ID ``after``. Fewer do not
        mean that there are no more; none do.
        """
        return await self._store.read(lambda reader: self._read(reader, partial(reader.queues, parent), after, limit))

    async def everywhere(self, after: str, limit: int) -> Sequence[QueueNumbers]:
        """The same of all locations, by their names, those after the name ``after``."""
        return await self._store.read(
            lambda reader: self._read(reader, partial(reader.queues_under, "projects/"), after, limit, named=True)
        )

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

    def _read(
        self,
        reader: Reader,
        queues: Callable[[str, int], Sequence[StoredQueue]],
        after: str,
        limit: int,
        *,
        named: bool = False,
    ) -> list[QueueNumbers]:
        """The queues that come after a name, or without ``named`` after an ID, as many as there is time for."""
        until = self._seconds() + READING
        seen: list[QueueNumbers] = []
        while len(seen) < limit and (not seen or self._seconds() < until):
            some = queues(after, min(AT_ONCE, limit - len(seen)))
            if not some:
                break
            seen += self._look(reader, some)
            last = some[-1].queue.name
            after = last if named else last.queue
        return seen

    def _look(self, reader: Reader, queues: Sequence[StoredQueue]) -> list[QueueNumbers]:
        now = self._clock.now()
        tallies = reader.tallies(queues)
        waiting = [stored for stored, tally in zip(queues, tallies, strict=True) if tally.next_due is not None]
        counted = iter(reader.waiting_counts(waiting, now, COUNTED_MAX) if waiting else ())
        return [
            QueueNumbers(
                stored.queue,
                stored.flow,
                tally.tasks,
                tally.next_due,
                NOTHING_WAITS if tally.next_due is None else next(counted),
                shelf.tasks,
            )
            for stored, tally, shelf in zip(queues, tallies, reader.shelves(queues), strict=True)
        ]
