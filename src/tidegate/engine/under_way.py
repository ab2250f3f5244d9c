"""What attempts hold from their claim to their record: a place in this process, memory for long bodies, connections."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from tidegate.core.names import QueueName
from tidegate.core.queue import Queue
from tidegate.core.task import Task
from tidegate.engine.body_budget import FORCED_BULK, BodyBudget
from tidegate.engine.connection_budget import ConnectionBudget, handler_of

MOST_ATTEMPTS = 20_000
"""Attempts under way in this process at most, over all queues: four queues at their ceiling of 5,000."""


class AttemptUnderWay(Struct):
    """An attempt between its start and its outcome. ``queue_id`` tells the queue from another that took its name
    meanwhile, ``handler`` whose connections it uses; ``running`` is what carries it out. ``forced``: a caller ran it.
    Of one that is ``forgotten`` nothing is recorded: another node has its task.
    """

    number: int
    queue: Queue
    queue_id: int
    task: Task
    handler: str
    forced: bool = False
    running: asyncio.Task[None] | None = None
    forgotten: bool = False


class UnderWay:
    """All attempts under way in this process.

    An attempt holds its place and its connection until its outcome is known, and its part of ``bodies`` until it is
    recorded.
    """

    def __init__(self, connections_kept_for: float) -> None:
        """``connections_kept_for`` is for how many seconds the sender keeps an idle connection."""
        self.bodies = BodyBudget()
        self.connections = ConnectionBudget(connections_kept_for)
        self._attempts: dict[int, AttemptUnderWay] = {}
        self.started = 0
        """How many began since this process did."""

    @property
    def attempts(self) -> int:
        """How many are under way."""
        return len(self._attempts)

    def by_queue(self) -> Counter[QueueName]:
        """How many are under way of each queue."""
        return Counter(attempt.queue.name for attempt in self._attempts.values())

    def room(self) -> int:
        """How many more attempts may start now."""
        return MOST_ATTEMPTS - len(self._attempts)

    def begin(self, queue: Queue, queue_id: int, task: Task, *, forced: bool = False) -> AttemptUnderWay:
        """Take what an attempt needs; ``end`` gives it back, but for the room for its body."""
        if not task.bulk and len(task.body) > FORCED_BULK:  # forced: no claim has weighed it
            task = replace(task, bulk=len(task.body))
        if task.bulk:
            self.bodies.hold(queue.name, task.bulk)
        handler = handler_of(queue, task)
        self.connections.started(queue.name, handler)
        number = self.started = self.started + 1
        attempt = self._attempts[number] = AttemptUnderWay(number, queue, queue_id, task, handler, forced)
        return attempt

    def end(self, attempt: AttemptUnderWay) -> None:
        """The attempt is over: its place is free."""
        del self._attempts[attempt.number]
        attempt.running = None  # else a traceback would lead from it to the attempt and back, for the collector to find

    def longest(self, queue: QueueName, most: int) -> list[Task]:
        """The tasks of a queue's attempts that have been under way for longest in this process."""
        of_queue = (attempt.task for attempt in self._attempts.values() if attempt.queue.name == queue)
        return list(islice(of_queue, most))

    def all(self) -> list[AttemptUnderWay]:
        """Those that are under way now."""
        return list(self._attempts.values())

    def forget(self, attempt: AttemptUnderWay) -> None:
        """The attempt never began: give back all that it took."""
        self.end(attempt)
        self.connections.ended(attempt.queue.name, attempt.handler, answered=False)
        if attempt.task.bulk:
            self.bodies.release(attempt.queue.name, attempt.task.bulk)

    async def drain(self, patience: timedelta, no_more: Callable[[], Awaitable[None]] | None = None) -> int:
        """Wait until all attempts are over, also those that calls start meanwhile, until ``no_more`` is done; cut off
        those that outlast ``patience``, and return how many that were.
        """
        until = asyncio.get_running_loop().time() + patience.total_seconds()
        await self._over(until)
        if no_more is not None:
            await no_more()
            await self._over(until)
        cut = self._running()
        for attempt in cut:
            attempt.cancel()
        if cut:
            await asyncio.wait(cut)
        return len(cut)

    async def _over(self, until: float) -> None:
        now = asyncio.get_running_loop().time
        while (running := self._running()) and (left := until - now()) > 0:
            await asyncio.wait(running, timeout=left)

    def _running(self) -> list[asyncio.Task[None]]:
        return [attempt.running for attempt in self._attempts.values() if attempt.running is not None]
