"""When attempts began, as the engine tells it."""

from __future__ import annotations

import math

from tests.simulation.virtual_time import START, VirtualClock

from tidegate.core.names import TaskName
from tidegate.engine.ports.events import AttemptStarted, Event


def short(task: str) -> str:
    """A task as histories name it: ``QUEUE/TASK``."""
    name = TaskName(task)
    return f"{name.parent.queue}/{name.task}"


class Beginnings:
    """``ports.Events``: keeps the begin of each attempt until its request is sent."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._begun: dict[tuple[str, int], tuple[float, float]] = {}
        self._moves = [(-math.inf, 0.0)]

    def emit(self, event: Event) -> None:
        if isinstance(event, AttemptStarted) and event.task.dispatched_at is not None:
            wall = (event.task.dispatched_at - START).total_seconds()
            self._begun[short(event.task.name), event.task.dispatch_count] = self._true(wall), wall

    def clock_moved(self, by: float) -> None:
        """Say that the wall clock was moved, by so many seconds."""
        self._moves.append((self._clock.monotonic(), self._moves[-1][1] + by))

    def take(self, task: str, attempt: int) -> tuple[float, float]:
        """When an attempt began: in true time, and on the server's wall clock, in seconds since the start."""
        return self._begun.pop((task, attempt))

    def _true(self, wall: float) -> float:
        """When the wall clock last showed that, in true time."""
        until = self._clock.monotonic()
        for at, ahead in reversed(self._moves):
            if at <= wall - ahead <= until:
                return wall - ahead
            until = at
        return self._clock.monotonic()
