"""Queues: making, changing, pausing, purging, removing them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from tidegate.core import refusals
from tidegate.core.bucket import Flow
from tidegate.core.names import LocationName, QueueName
from tidegate.core.queue import Queue, State
from tidegate.core.stats import QueueStats, effective_rate, tokens
from tidegate.engine.executions import Executions
from tidegate.engine.finishing import to_its_end
from tidegate.engine.lookup import found, is_shown, queues_of
from tidegate.engine.policies import drop_policy, keep_policy
from tidegate.engine.ports.events import QueueChanged, QueueDeleted
from tidegate.engine.ports.store import Reader, StoredQueue, Transaction
from tidegate.engine.ports.world import World
from tidegate.engine.scheduler import Scheduler

LAST_FILE = "queue_file"
"""The document that has the digest of the file that was last applied to a location."""


LOCATIONS_AT_ONCE = 200
"""Locations read in one step."""

CREATED, UPDATED, PAUSED, RESUMED, PURGED = "created", "updated", "paused", "resumed", "purged"
APPLIED = "set by a queue.yaml"
"""What is told of a queue that was changed."""


class QueueFileVersion(Struct, frozen=True):
    """Which file a plan follows from: two of one ``digest`` say the same. ``only_if_new``: apply it only when another
    one was the last to be applied to its location.
    """

    digest: bytes
    only_if_new: bool = False


class Queues:
    """What the queue calls of the API do, with values checked and names parsed.

    For callers that are ``push_only`` a pull queue is not there: they get the NotFound of a queue that does not exist.
    """

    def __init__(
        self,
        world: World,
        scheduler: Scheduler,
        executions: Executions,
        name_reuse_after: timedelta,
        *,
        hard_reset_on_purge: bool = False,
    ) -> None:
        self._store = world.store
        self._clock = world.clock
        self._machine = world.machine
        self._events = world.events
        self._ids = world.ids
        self._scheduler = scheduler
        self._executions = executions
        self._name_reuse_after = name_reuse_after
        self._hard_reset_on_purge = hard_reset_on_purge

    async def create(self, queue: Queue) -> Queue:
        """The new queue. Raises AlreadyExists, or FailedPrecondition when the name was freed too recently."""

        def work(tx: Transaction) -> Queue:
            if tx.queue(queue.name) is not None:
                raise refusals.queue_exists()
            return self._add(tx, queue)

        return await self._changed(queue.name, work, CREATED)

    async def locations(self, project: str) -> list[str]:
        """IDs of all locations in which the project has queues, sorted; read in pieces."""
        used: list[str] = []
        while True:
            after = used[-1] if used else ""
            some = await self._store.read(partial(_locations, project, after))
            used += some
            if len(some) < LOCATIONS_AT_ONCE:
                return used

    async def get(self, name: QueueName, *, push_only: bool = False) -> Queue:
        """The queue. Raises NotFound, with ``push_only`` for a pull queue too."""
        return (await self._store.read(lambda tx: found(tx.queue(name), push_only=push_only))).queue

    async def list(self, parent: str, after: str, limit: int, *, push_only: bool = False) -> Sequence[Queue]:
        """Up to ``limit`` queues of ``projects/P/locations/L`` in the order of their IDs, those after the ID ``after``;
        with ``push_only`` no pull queues.
        """
        listed: list[Queue] = []
        while True:
            step = limit - len(listed)
            stored = await self._store.read(partial(_queues, parent, after, step))
            listed += [each.queue for each in stored if is_shown(each, push_only=push_only)]
            if len(stored) < step or len(listed) == limit:
                return listed
            after = stored[-1].queue.name.queue

    async def stats(self, names: Sequence[QueueName]) -> Mapping[QueueName, QueueStats]:
        """How busy each queue is just now; without those that are not there. Cheap, however many tasks they have."""
        now = self._clock.now()
        executed = self._executions.last_minute(self._machine.monotonic())

        def look(tx: Reader) -> dict[QueueName, QueueStats]:
            there = [stored for stored in map(tx.queue, names) if stored is not None]
            return {
                stored.queue.name: QueueStats(
                    tasks=tally.tasks,
                    next_due=tally.next_due,
                    executed_last_minute=executed.get(stored.queue.name, 0),
                    in_flight=stored.flow.in_flight,
                    effective_rate=effective_rate(stored.queue, stored.flow, now),
                    tokens=tokens(stored.queue, stored.flow, now),
                    throttle_factor=stored.flow.throttle.factor_at(now),
                )
                for stored, tally in zip(there, tx.tallies(there), strict=True)
            }

        return await self._store.read(look)

    async def update(
        self, name: QueueName, change: Callable[[Queue | None], Queue], *, push_only: bool = False
    ) -> Queue:
        """The queue as ``change`` makes it, given the present one or None when there is none.

        ``change`` runs inside the transaction and may raise an ApiError, which changes nothing. With ``push_only``
        NotFound for a pull queue.
        """

        def work(tx: Transaction) -> Queue:
            stored = tx.queue(name)
            if stored is None:
                return self._add(tx, change(None))
            changed = change(found(stored, push_only=push_only).queue)
            changed = replace(changed, options=stored.queue.options)  # which have calls of their own
            if changed.rate_limits != stored.queue.rate_limits:  # the time until now is the old rate's
                tx.save_flows([(stored, stored.flow.filled(stored.queue.rate_limits, self._clock.now()))])
            tx.save_queue(stored, changed)
            return changed

        return await self._changed(name, work, UPDATED)

    @to_its_end
    async def apply(
        self, location: LocationName, plan: Callable[[Sequence[Queue]], Sequence[Queue]], file: QueueFileVersion
    ) -> Sequence[Queue] | None:
        """Make and change queues of a location, all of them or none: those that ``plan`` returns, given those present.

        ``plan`` runs inside the transaction and may raise an ApiError. It follows from ``file``, which is remembered.
        Returns the queues that were made or changed; None when nothing was done, for the file is to be applied only if
        it is another than the last one. Raises FailedPrecondition when the name of a new queue was freed too recently.
        """

        def work(tx: Transaction) -> Sequence[Queue] | None:
            now = self._clock.now()
            if file.only_if_new and tx.document(LAST_FILE, location, now) == file.digest:
                return None
            present = {stored.queue.name: stored for stored in queues_of(tx, location)}
            planned = plan([stored.queue for stored in present.values()])
            for queue in planned:
                if queue.name not in present and tx.queue_name_taken(queue.name, now):
                    raise refusals.listed_queue_existed_recently(queue.name.queue)
            for queue in planned:
                if queue.name in present:
                    options = present[queue.name].queue.options  # of which the file says nothing
                    tx.save_queue(present[queue.name], replace(queue, options=options))
                else:
                    tx.add_queue(queue, Flow.fresh(queue.rate_limits, now))
            tx.put_document(LAST_FILE, location, file.digest)
            return planned

        there = await self._store.read(lambda tx: [stored.queue.name for stored in queues_of(tx, location)])
        planned = await self._store.write(work, changes=there)
        for queue in planned or ():
            self._tell(queue, APPLIED)
        return planned

    @to_its_end
    async def delete(self, name: QueueName, *, push_only: bool = False) -> None:
        """Remove the queue with its tasks; its name stays taken for a while. Raises NotFound."""
        mark = self._ids.etag()

        def work(tx: Transaction) -> None:
            stored = found(tx.queue(name), otherwise=refusals.not_found, push_only=push_only)
            tx.delete_queue(stored, self._clock.now() + self._name_reuse_after)
            drop_policy(tx, stored, self._clock.now(), mark)

        await self._store.write(work, changes={name})
        self._events.emit(QueueDeleted(name))
        self._scheduler.wake(name, self._clock.now())

    async def purge(self, name: QueueName, *, push_only: bool = False) -> Queue:
        """Remove every task created so far; an attempt under way ends without retry. The names of the tasks stay taken
        for a while, unless a purge is a hard reset here: then the queue is as new, with its settings. Raises NotFound.
        """

        def work(tx: Transaction) -> Queue:
            stored = found(tx.queue(name), push_only=push_only)
            now = self._clock.now()
            purged = replace(stored.queue, purge_time=now)
            if self._hard_reset_on_purge:
                tx.delete_queue(stored, now)
                keep_policy(tx, stored, tx.add_queue(purged, Flow.fresh(purged.rate_limits, now)), now)
            else:
                tx.purge(stored, purged, now + purged.tombstone_ttl)
            return purged

        return await self._changed(name, work, PURGED)

    async def pause(self, name: QueueName, *, push_only: bool = False) -> Queue:
        """Stop dispatching; attempts under way run to their end. Raises NotFound."""
        return await self._set_state(name, State.PAUSED, push_only)

    async def resume(self, name: QueueName, *, push_only: bool = False) -> Queue:
        """Dispatch again, from a pause or after being disabled. Raises NotFound."""
        return await self._set_state(name, State.RUNNING, push_only)

    async def _set_state(self, name: QueueName, state: State, push_only: bool) -> Queue:
        def work(tx: Transaction) -> Queue:
            stored = found(tx.queue(name), push_only=push_only)
            changed = replace(stored.queue, state=state)
            tx.save_queue(stored, changed)
            return changed

        return await self._changed(name, work, PAUSED if state is State.PAUSED else RESUMED)

    @to_its_end
    async def _changed(self, name: QueueName, work: Callable[[Transaction], Queue], change: str) -> Queue:
        queue = await self._store.write(work, changes={name})
        self._tell(queue, change)
        return queue

    def _tell(self, queue: Queue, change: str) -> None:
        self._events.emit(QueueChanged(queue.name, change))
        self._scheduler.wake(queue.name, self._clock.now())

    def _add(self, tx: Transaction, queue: Queue) -> Queue:
        now = self._clock.now()
        if tx.queue_name_taken(queue.name, now):
            raise refusals.queue_existed_recently()
        tx.add_queue(queue, Flow.fresh(queue.rate_limits, now))
        return queue


def _queues(parent: str, after: str, limit: int, reader: Reader) -> Sequence[StoredQueue]:
    return reader.queues(parent, after, limit)


def _locations(project: str, after: str, reader: Reader) -> list[str]:
    return reader.locations(project, after, LOCATIONS_AT_ONCE)
