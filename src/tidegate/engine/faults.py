"""The faults of each queue, kept in memory: made, counted, and gone with their queue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from tidegate.core.errors import AlreadyExists, NotFound, ResourceExhausted
from tidegate.core.faults import FacedAttempt, Fault, is_over, met_by
from tidegate.core.names import QueueName
from tidegate.engine.ports.events import AllDeleted, Event, QueueDeleted
from tidegate.engine.ports.world import Clock

FAULTS_MAX: Final = 100
"""Faults of one queue: each attempt is held against all of them."""

FAULTS_TOTAL_MAX: Final = 10_000


class Faults:
    """Every fault there is. ``ports.Events`` too: faults go with their queue."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._queues: dict[QueueName, dict[str, Fault]] = {}

    def __contains__(self, queue: object) -> bool:
        return queue in self._queues

    def add(self, queue: QueueName, fault: Fault) -> Fault:
        """The new fault. Raises AlreadyExists for an ID that the queue has; ResourceExhausted for too many."""
        faults = self._living(queue)
        if fault.id in faults:
            raise AlreadyExists(f"The queue has a fault {fault.id} already.")
        if len(faults) >= FAULTS_MAX:
            raise ResourceExhausted(f"A queue can have at most {FAULTS_MAX} faults, and it has as many.")
        if sum(map(len, self._queues.values())) >= FAULTS_TOTAL_MAX:
            raise ResourceExhausted(f"A server can have at most {FAULTS_TOTAL_MAX} faults, and it has as many.")
        self._queues.setdefault(queue, {})[fault.id] = fault
        return fault

    def list(self, queue: QueueName) -> Sequence[Fault]:
        """The faults of a queue whose time has not passed, by their IDs."""
        return sorted(self._living(queue).values(), key=lambda fault: fault.id)

    def get(self, queue: QueueName, fault_id: str) -> Fault:
        """Raises NotFound."""
        fault = self._living(queue).get(fault_id)
        if fault is None:
            raise NotFound(f"The queue has no fault {fault_id}.")
        return fault

    def delete(self, queue: QueueName, fault_id: str) -> None:
        """Raises NotFound."""
        self.get(queue, fault_id)
        self._drop(queue, fault_id)

    def clear(self, parent: str) -> int:
        """Drop all faults of ``projects/P/locations/L``; returns how many there were."""
        queues = [queue for queue in self._queues if queue.parent == parent]
        return sum(len(self._queues.pop(queue)) for queue in queues)

    def meet(self, queue: QueueName, attempt: FacedAttempt) -> Sequence[Fault]:
        """The faults that an attempt of the queue meets, in their order. Each is counted as met."""
        met = met_by(attempt, self._queues.get(queue, {}).values(), self._clock.now())
        for fault in met:
            left = None if fault.remaining is None else fault.remaining - 1
            self._queues[queue][fault.id] = replace(fault, remaining=left, hit_count=fault.hit_count + 1)
        return met

    def emit(self, event: Event) -> None:
        if isinstance(event, QueueDeleted):
            self._queues.pop(event.queue, None)
        elif isinstance(event, AllDeleted):
            self._queues.clear()

    def _living(self, queue: QueueName) -> dict[str, Fault]:
        """The faults of a queue, without those whose time has passed."""
        now = self._clock.now()
        for fault in [each for each in self._queues.get(queue, {}).values() if is_over(each, now)]:
            self._drop(queue, fault.id)
        return self._queues.get(queue, {})

    def _drop(self, queue: QueueName, fault_id: str) -> None:
        faults = self._queues[queue]
        del faults[fault_id]
        if not faults:
            del self._queues[queue]
