"""Tasks: creating, reading, deleting, running them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from tidegate.core import refusals
from tidegate.core.errors import ApiError, Unavailable
from tidegate.core.names import QueueName, TaskName
from tidegate.core.queue import Kind, Queue
from tidegate.core.task import Attempt, PullMessage, Task
from tidegate.core.validation import PAGE_BYTES_MAX, NewTask
from tidegate.engine.admission import Admission
from tidegate.engine.batching import Batcher
from tidegate.engine.claims import Shares
from tidegate.engine.creation import Admitted, Creation, Creations, Rules, admit
from tidegate.engine.dispatcher import Dispatcher
from tidegate.engine.finishing import to_its_end
from tidegate.engine.lookup import found, is_shown
from tidegate.engine.operations import Recorded
from tidegate.engine.ports.events import TasksCreated, TasksDeleted
from tidegate.engine.ports.store import PlaceInLine, Reader, StoredQueue, Transaction
from tidegate.engine.ports.world import World
from tidegate.engine.scheduler import Scheduler

PART_BYTES = 2 * 2**20
"""Bytes of a heavy batch that go into one transaction."""


class Removal(Struct, frozen=True):
    """What was deleted: from which queue, if there is one, and the IDs that were there."""

    queue: Queue | None
    gone: set[str]


def remove(
    tx: Transaction, queue: QueueName, task_ids: Sequence[str], now: datetime, *, push_only: bool = False
) -> Removal:
    """Delete tasks by their IDs, leaving their names taken for a while."""
    stored = tx.queue(queue)
    if stored is None or not is_shown(stored, push_only=push_only):
        return Removal(None, set())
    gone = tx.remove(stored, task_ids, now + stored.queue.tombstone_ttl)
    if stored.queue.kind is not Kind.PULL:  # those have no attempts
        tx.end_attempts(stored, sorted(gone), None)
    return Removal(stored.queue, gone)


class Tasks:
    """What the task calls of the API do, with values checked and names parsed.

    For callers that are ``push_only`` a pull queue is not there, and neither are its tasks.
    """

    def __init__(self, world: World, scheduler: Scheduler, dispatcher: Dispatcher, rules: Rules) -> None:
        self._store = world.store
        self._clock = world.clock
        self._ids = world.ids
        self._events = world.events
        self._tracing = world.tracing
        self._scheduler = scheduler
        self._dispatcher = dispatcher
        self._rules = rules
        self._admission = Admission(world.machine)
        self._creations: Batcher[Creation, Task | ApiError] = Batcher(self._create)
        self._runs = 0
        self._no_run = asyncio.Event()
        self._no_run.set()
        self._stopping = False

    async def create(self, queue: QueueName, new: NewTask, *, push_only: bool = False) -> Task:
        """The new task, once it is safely stored.

        Raises NotFound without the queue, AlreadyExists for a name that is taken, InvalidArgument for what only the
        queue's settings tell and for a task too large, ResourceExhausted when the disk does not keep up.
        """
        creation = Creation(queue, new, push_only, self._trace())
        size = len(new.body)
        ticket = self._admission.enter(size)
        try:
            outcome = await self._creations.result(creation)
        finally:
            self._admission.leave(ticket, size)
        if isinstance(outcome, ApiError):
            raise outcome
        return outcome

    @to_its_end
    async def create_batch(
        self,
        queue: QueueName,
        read: Callable[[], Sequence[NewTask | ApiError]],
        size: int,
        operation: Recorded[Task | ApiError],
        *,
        push_only: bool = False,
    ) -> bytes:
        """Create the tasks that ``read`` finds in a request of ``size`` bytes, and keep the operation that tells of it;
        those that are errors already stay what they are.

        They are read in the transaction that stores them, so that one thread does all the work on a task while its
        memory is warm (9 % of tasks/s of batches).

        Raises what ``read`` raises, InvalidArgument when the operation's name was used before, ResourceExhausted when
        the disk does not keep up.
        """
        now = self._clock.now()
        trace = self._trace()

        def work(tx: Transaction, shares: Shares) -> tuple[Sequence[Admitted], bytes]:
            wanted = read()
            operation.claim(tx, now)
            creations = [Creation(queue, new, push_only, trace) for new in wanted if not isinstance(new, ApiError)]
            created = self._admit(tx, creations, shares, now)
            in_turn = iter(created.outcomes)
            outcomes = [new if isinstance(new, ApiError) else next(in_turn) for new in wanted]
            return created.admitted, operation.keep(tx, outcomes, now)

        ticket = self._admission.enter(size)
        try:
            with self._scheduler.at_once({queue}) as shares:
                admitted, value = await self._store.write(lambda tx: work(tx, shares), holds=shares)
                self._created(admitted, now)
        finally:
            self._admission.leave(ticket, size)
        return value

    @to_its_end
    async def create_heavy_batch(
        self,
        queue: QueueName,
        wanted: Sequence[NewTask | ApiError],
        sizes: Sequence[int],
        operation: Recorded[Task | ApiError],
        *,
        push_only: bool = False,
    ) -> bytes:
        """``create_batch`` for many bytes, of tasks that were read already and have these ``sizes``: in parts, each
        with a transaction of its own, so that nobody else waits for the whole.

        Raises as that does. What was stored before an error stays.
        """
        now = self._clock.now()
        trace = self._trace()
        outcomes: list[Task | ApiError] = []

        def work(
            tx: Transaction, shares: Shares, begin: int, end: int
        ) -> tuple[Creations, list[Task | ApiError], bytes]:
            if not begin:
                operation.claim(tx, now)
                operation.begin(tx, now)
            creations = [
                Creation(queue, new, push_only, trace) for new in wanted[begin:end] if not isinstance(new, ApiError)
            ]
            created = self._admit(tx, creations, shares, now)
            in_turn = iter(created.outcomes)
            part = [new if isinstance(new, ApiError) else next(in_turn) for new in wanted[begin:end]]
            kept = operation.keep(tx, [*outcomes, *part], now) if end == len(wanted) else b""
            return created, part, kept

        ticket, size = None, sum(sizes)
        value = b""
        try:
            ticket = self._admission.enter(size)
            for begin, end in _parts(sizes):
                with self._scheduler.at_once({queue}) as shares:
                    step = partial(work, shares=shares, begin=begin, end=end)
                    created, part, value = await self._store.write(step, holds=shares)
                    outcomes += part
                    self._created(created.admitted, now)
        except Exception:
            if outcomes:
                await self._store.write(operation.drop)
            raise
        finally:
            if ticket is not None:
                self._admission.leave(ticket, size)
        return value

    async def get(self, name: TaskName, *, body: bool, push_only: bool = False) -> Task:
        """The task; without ``body`` its body is left unread. Raises NotFound, in other words for a recent task."""
        now = self._clock.now()

        def look(tx: Reader) -> Task:
            stored = found(tx.queue(name.parent), otherwise=refusals.not_found, push_only=push_only)
            task = tx.task(stored, name.task, body=body)
            if task is not None:
                return task
            if tx.entombed(stored, [name.task], now):
                raise refusals.task_gone()
            raise refusals.not_found()

        return await self._store.read(look)

    async def list(
        self, queue: QueueName, after: str, limit: int, *, body: bool, push_only: bool = False
    ) -> Sequence[Task]:
        """Tasks in the order of their IDs, those after the ID ``after``: ``limit`` of them, or fewer when those are
        more bytes than a page may have. Raises NotFound.
        """

        def look(tx: Reader) -> Sequence[Task]:
            stored = found(tx.queue(queue), push_only=push_only)
            return tx.tasks(stored, after, limit, body=body, bytes_limit=PAGE_BYTES_MAX)

        return await self._store.read(look)

    async def in_line(
        self, queue: QueueName, behind: PlaceInLine | None, limit: int, *, latest_first: bool
    ) -> Sequence[tuple[Task, PlaceInLine]]:
        """Tasks without bodies by their schedule times, the latest or the earliest first: ``limit`` of those behind a
        place. Raises NotFound.
        """
        return await self._store.read(
            lambda tx: tx.tasks_in_line(found(tx.queue(queue)), behind, limit, latest_first=latest_first)
        )

    async def delete(self, name: TaskName, *, push_only: bool = False) -> None:
        """Remove the task; an attempt under way ends without retry. Raises NotFound."""

        def work(tx: Transaction) -> Removal:
            return remove(tx, name.parent, [name.task], self._clock.now(), push_only=push_only)

        removal = await self._store.write(work)
        if not removal.gone:
            raise refusals.not_found()
        self._removed(removal)

    @to_its_end
    async def delete_batch(
        self,
        queue: QueueName,
        task_ids: Sequence[str],
        operation: Recorded[ApiError | None],
        *,
        push_only: bool = False,
    ) -> bytes:
        """Remove tasks and keep the operation that tells of it: for each ID, in their order, the reason why not or
        None. An ID may stand twice. Raises InvalidArgument when the operation's name was used before.
        """
        now = self._clock.now()

        def work(tx: Transaction) -> tuple[Removal, bytes]:
            operation.claim(tx, now)
            removal = remove(tx, queue, task_ids, now, push_only=push_only)
            outcomes = [None if task_id in removal.gone else refusals.not_found() for task_id in task_ids]
            return removal, operation.keep(tx, outcomes, now)

        removal, value = await self._store.write(work)
        self._removed(removal)
        return value

    @to_its_end
    async def run(self, name: TaskName, *, push_only: bool = False) -> Task:
        """Dispatch the task now, whatever its queue's state and limits say, even beside an attempt under way.

        The answer shows the attempt counted but not yet started. Raises NotFound; InvalidArgument for a pull task;
        Unavailable once ``end_runs`` was called.
        """
        if self._stopping:
            raise Unavailable("The server is shutting down.")
        self._runs += 1
        self._no_run.clear()
        try:
            return await self._run(name, push_only=push_only)
        finally:
            self._runs -= 1
            if not self._runs:
                self._no_run.set()

    async def end_runs(self) -> None:
        """Refuse to run tasks from now on, and wait until those are started that were to be run before: an attempt that
        started after the others had ended would be cut off, and made again.
        """
        self._stopping = True
        await self._no_run.wait()

    async def _run(self, name: TaskName, *, push_only: bool) -> Task:
        now = self._clock.now()

        def work(tx: Transaction) -> tuple[StoredQueue, Task, Task]:
            stored = found(tx.queue(name.parent), push_only=push_only)
            before = tx.task(stored, name.task, body=True)
            if before is None:
                raise refusals.not_found()
            if isinstance(before.target, PullMessage):
                raise refusals.task_not_runnable()
            forced = before.dispatched(now)
            tx.mark_dispatched([forced], now)
            tx.save_flows([(stored, stored.flow.forced())])
            return stored, before, forced

        stored, before, forced = await self._store.write(work, changes={name.parent})
        self._dispatcher.dispatch(stored.queue, stored.id, [forced], forced=True)
        return replace(
            before,
            dispatch_count=forced.dispatch_count,
            dispatched_at=None,
            last_attempt=Attempt(before.schedule_time),
        )

    async def _create(self, creations: Sequence[Creation]) -> Sequence[Task | ApiError]:
        now = self._clock.now()
        with self._scheduler.at_once({each.queue for each in creations}) as shares:
            created = await self._store.write(lambda tx: self._admit(tx, creations, shares, now), holds=shares)
            self._created(created.admitted, now)
        return created.outcomes

    def _admit(self, tx: Transaction, creations: Sequence[Creation], shares: Shares, now: datetime) -> Creations:
        return admit(tx, creations, shares, self._ids.task_ids, now, self._rules)

    def _trace(self) -> bytes:
        return b"" if self._tracing is None else self._tracing.creation()

    def _created(self, admitted: Iterable[Admitted], now: datetime) -> None:
        """Tell the listeners of the tasks that are stored now; start those that are dispatched, have the others seen
        to.
        """
        for each in admitted:
            self._events.emit(TasksCreated(each.queue, each.tasks, now))
            if each.started:
                self._dispatcher.dispatch(each.queue, each.queue_id, each.started)
            if each.waiting and each.queue.dispatches:  # else it is resumed first, which wakes it, or leased from
                self._scheduler.wake(each.queue.name, min(task.schedule_time for task in each.waiting))

    def _removed(self, removal: Removal) -> None:
        if removal.queue is not None and removal.gone:
            self._events.emit(TasksDeleted(removal.queue, sorted(removal.gone), self._clock.now()))


def _parts(sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Where each part of a batch begins and ends: as many tasks as fit, one at least."""
    parts: list[tuple[int, int]] = []
    begin = size = 0
    for index, each in enumerate(sizes):
        if size + each > PART_BYTES and index > begin:
            parts.append((begin, index))
            begin, size = index, 0
        size += each
    return [*parts, (begin, len(sizes))]
