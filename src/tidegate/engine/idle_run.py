"""Running until nothing is left to do: time is skipped from one due moment to the next, and every attempt is made.

Time is skipped only while a run goes on, and only when no attempt is under way or about to be recorded: an attempt
never finds that time was skipped behind its back.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from msgspec import Struct

from tidegate.core.names import ProjectName, QueueName
from tidegate.core.queue import Kind, Queue
from tidegate.core.time_text import rfc3339, seconds
from tidegate.engine.lookup import found
from tidegate.engine.ports.store import Reader, Store
from tidegate.engine.ports.world import MachineClock
from tidegate.engine.scheduler import Scheduler
from tidegate.engine.time_control import LONGEST_LOOK, TimeControl
from tidegate.engine.under_way import UnderWay

MOST_NAMED: Final = 20
"""Queues that a run names at most when it ends without being idle."""


class IdleRun(Struct, frozen=True):
    """What a run did: whether the queues are without a task now, how far it moved the clock, how many attempts were
    started meanwhile. ``waiting_for`` says in words what keeps the queues from being idle, nothing if they are.
    """

    idle: bool
    advanced: timedelta
    attempts: int
    waiting_for: Sequence[str]


class _Waiting(Struct, frozen=True):
    """A queue in which tasks wait, the first of them until ``due``."""

    queue: Queue
    due: datetime


class IdleRuns:
    """Runs over an engine's queues."""

    def __init__(
        self, store: Store, time: TimeControl, machine: MachineClock, scheduler: Scheduler, under_way: UnderWay
    ) -> None:
        self._store = store
        self._time = time
        self._machine = machine
        self._scheduler = scheduler
        self._under_way = under_way

    async def run(
        self, parents: Collection[QueueName | ProjectName], max_virtual: timedelta, patience: timedelta
    ) -> IdleRun:
        """Skip from moment to moment until no task is left in these queues, in those of these projects, or without any
        parent in all queues. Ends earlier when only tasks are left that nothing will start, when the clock would move
        by more than ``max_virtual``, and after ``patience`` of machine time.

        Every queue that dispatches goes along: time is never skipped past something that is due, whosever it is.
        Raises NotFound for a queue that is not there.
        """
        started, skipped = self._under_way.started, timedelta()
        deadline = self._machine.monotonic() + patience.total_seconds()

        def ended(waiting_for: Sequence[str]) -> IdleRun:
            return IdleRun(not waiting_for, skipped, self._under_way.started - started, waiting_for)

        while True:
            if not await self._time.settled(deadline):
                return ended([f"{self._under_way.attempts} attempts are still under way after {seconds(patience)}"])
            waiting = await self._store.read(partial(_waiting, parents))
            if not waiting or not any(each.queue.dispatches for each in waiting):
                return ended([_why(each) for each in waiting[:MOST_NAMED]])
            if self._machine.monotonic() >= deadline:
                return ended([_why(each) for each in waiting[:MOST_NAMED]])
            moment, now = self._scheduler.next_moment(), self._time.face().now
            if moment is None:  # a call takes a task away or is about to bring one
                await self._machine.sleep(LONGEST_LOOK)
                continue
            if skipped + (moment - now) > max_virtual:
                return ended([_why(each) for each in waiting[:MOST_NAMED]])
            skipped += await self._time.skip_to(moment)


def _waiting(parents: Collection[QueueName | ProjectName], reader: Reader) -> list[_Waiting]:
    """The queues of these parents in which tasks wait, all queues without parents."""
    for parent in parents:
        if isinstance(parent, QueueName):
            found(reader.queue(parent))
    waiting = []
    for stored, due in reader.backlog():
        name = stored.queue.name
        if parents and name not in parents and ProjectName(f"projects/{name.project}") not in parents:
            continue
        waiting.append(_Waiting(stored.queue, due))
    return waiting


def _why(each: _Waiting) -> str:
    """Why tasks of a queue are left."""
    queue = each.queue
    if queue.kind is Kind.PULL:
        return f"{queue.name}: its tasks wait to be leased"
    if not queue.dispatches:
        return f"{queue.name} is {queue.state.name}"
    return f"{queue.name}: its next task is due at {rfc3339(each.due)}"
