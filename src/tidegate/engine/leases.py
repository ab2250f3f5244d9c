"""Leases: tasks of pull queues taken by workers for a while, given back, or acknowledged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from tidegate.core import refusals
from tidegate.core.errors import ApiError
from tidegate.core.lease import LEASE_BYTES_MAX, Held, Lease, LeaseFilter, check_holder
from tidegate.core.names import QueueName, TaskName
from tidegate.core.queue import Kind, State
from tidegate.core.task import Task
from tidegate.engine.batching import Batcher
from tidegate.engine.lookup import found
from tidegate.engine.ports.store import StoredQueue, Transaction, Wanted
from tidegate.engine.ports.world import World


class Acknowledgement(Struct):
    """A task that its worker is done with. ``error`` says why it could not be taken.

    It is in the collector's sight: the error's traceback leads back to it.
    """

    task_id: str
    held: Held
    error: ApiError | None = None


def acknowledge(tx: Transaction, acknowledgements: Sequence[tuple[QueueName, Acknowledgement]], now: datetime) -> None:
    """Remove the tasks whose workers still hold them, leaving in each acknowledgement why it could not be done."""
    by_queue: defaultdict[QueueName, list[Acknowledgement]] = defaultdict(list)
    for queue, each in acknowledgements:
        by_queue[queue].append(each)
    for queue, group in by_queue.items():
        stored = tx.queue(queue)
        leases = {} if stored is None else tx.leases(stored, [each.task_id for each in group])
        done = []
        for each in group:
            task_id = each.task_id
            try:
                check_holder(_known(leases.get(task_id)), each.held, now)
            except ApiError as error:
                each.error = error
            else:
                del leases[task_id]  # for it is gone, should it be acknowledged twice
                done.append(task_id)
        if stored is not None and done:
            tx.remove(stored, done, now + stored.queue.tombstone_ttl)


class Leases:
    """What the lease calls of v2beta2 do, with values checked and names parsed."""

    def __init__(self, world: World) -> None:
        self._store = world.store
        self._clock = world.clock
        self._acknowledgements: Batcher[tuple[QueueName, Acknowledgement]] = Batcher(self._acknowledge)

    async def lease(self, queue: QueueName, wanted: LeaseFilter, limit: int, duration: timedelta) -> Sequence[Task]:
        """Up to ``limit`` tasks that are due, oldest first, which nobody else gets before ``duration`` has passed.

        Raises NotFound without the queue, InvalidArgument for a push queue, FailedPrecondition while it is paused.
        """

        def work(tx: Transaction) -> list[Task]:
            now = self._clock.now()
            stored = found(tx.queue(queue))
            if stored.queue.kind is not Kind.PULL:
                raise refusals.queue_not_pull()
            if stored.queue.state is not State.RUNNING:
                raise refusals.queue_not_running()
            asked = Wanted(wanted, limit, LEASE_BYTES_MAX, tombstones_until=now + stored.queue.tombstone_ttl)
            return tx.lease(stored, asked, now, now + duration)

        return await self._store.write(work)

    async def acknowledge(self, name: TaskName, held: Held) -> None:
        """Remove a task that the caller holds. Raises NotFound; FailedPrecondition when the lease is lost."""
        acknowledgement = Acknowledgement(name.task, held)
        await self._acknowledgements.add((name.parent, acknowledgement))
        if acknowledgement.error is not None:
            raise acknowledgement.error

    async def renew(self, name: TaskName, held: Held, duration: timedelta) -> Task:
        """The task, held for ``duration`` from now. Raises as ``acknowledge``."""
        return await self._reschedule(name, held, lambda now: now + duration)

    async def cancel(self, name: TaskName, held: Held) -> Task:
        """The task, free for the next worker at once. Raises as ``acknowledge``."""
        return await self._reschedule(name, held, lambda now: now)

    async def _reschedule(self, name: TaskName, held: Held, until: Callable[[datetime], datetime]) -> Task:
        def work(tx: Transaction) -> Task:
            now = self._clock.now()
            stored: StoredQueue = found(tx.queue(name.parent), otherwise=refusals.not_found)
            lease = _known(tx.leases(stored, [name.task]).get(name.task))
            check_holder(lease, held, now)
            task = tx.task(stored, name.task, body=True)
            assert task is not None  # noqa: S101 - it was there a moment ago, in this transaction
            tx.reschedule(stored, task, until(now))
            return replace(task, schedule_time=until(now))

        return await self._store.write(work)

    async def _acknowledge(self, acknowledgements: Sequence[tuple[QueueName, Acknowledgement]]) -> None:
        now = self._clock.now()
        await self._store.write(lambda tx: acknowledge(tx, acknowledgements, now))


def _known(lease: Lease | None) -> Lease:
    if lease is None:
        raise refusals.not_found()
    return lease
