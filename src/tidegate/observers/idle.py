"""Waiting until no task is left, woken by events rather than by the clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from math import inf
from typing import Final

from tidegate.core.errors import Aborted
from tidegate.core.names import ProjectName, QueueName
from tidegate.engine.idleness import TasksLeft
from tidegate.engine.numbers import Numbers
from tidegate.engine.ports.world import MachineClock
from tidegate.observers.event_ring import EventRing

SOON: Final = 0.01
"""Seconds between two looks after an event: one look for many events."""
LATE: Final = 1.0
"""Seconds between two looks without an event: some ends have none, as that of a task past its time to live."""


class IdleWaits:
    """Waits over the queues of an engine."""

    def __init__(self, numbers: Numbers, ring: EventRing, machine: MachineClock) -> None:
        self._numbers = numbers
        self._ring = ring
        self._machine = machine

    async def wait(
        self,
        parent: QueueName | ProjectName,
        seconds: float = inf,
        check: Callable[[], Awaitable[None]] | None = None,
    ) -> TasksLeft:
        """What is left of a queue's or a project's tasks: nothing, or what there is after so many seconds. Whatever
        ``check``, called before each pause, raises ends the wait.

        Raises NotFound for a queue that is not there, Aborted when only tasks are left that their queues keep.
        """
        machine = self._machine
        deadline = machine.monotonic() + seconds
        pause = SOON
        while True:
            seen, began = self._ring.last, machine.monotonic()
            left = await self._numbers.left(parent)
            if left.kept_by is not None:
                queue = left.kept_by
                raise Aborted(f"{queue.name} is {queue.state.name} and will keep the tasks that are in it.")
            now = machine.monotonic()
            if not left.tasks or now >= deadline:
                return left
            if check is not None:
                await check()
            await machine.sleep(min(max(SOON, now - began), deadline - now))  # a look at many queues takes its time
            came = await self._ring.wait(seen, max(0.0, min(pause, deadline - machine.monotonic())))
            pause = SOON if came else min(2 * pause, LATE)
