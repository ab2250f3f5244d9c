"""Tasks: creating, reading, deleting, running them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from tidegate.core import answers
from tidegate.core.errors import ApiError
from tidegate.core.names import QueueName, TaskName
from tidegate.core.queue import Queue
from tidegate.core.size import is_too_large
from tidegate.core.task import Attempt, PullMessage, Task
from tidegate.core.validation import NewTask, settle_task
from tidegate.engine.admission import Admission
from tidegate.engine.batching import Batcher
from tidegate.engine.dispatcher import Dispatcher
from tidegate.engine.ports import Reader, StoredQueue, TasksCreated, TasksDeleted, Transaction, World
from tidegate.engine.queues import found
from tidegate.engine.scheduler import Scheduler

CREATE_BATCHES = 2
"""Batches of new tasks with the store at a time: one syncs while the next is being filled with rows."""


class Creation:
    """A task on its way into the store. ``outcome`` is the stored task, or why there is none."""

    __slots__ = ("name", "new", "outcome", "queue")

    def __init__(self, queue: QueueName, new: NewTask, name: TaskName) -> None:
        self.queue = queue
        self.new = new
        self.name = name
        self.outcome: Task | ApiError | None = None


def admit(tx: Transaction, creations: Sequence[Creation], now: datetime, *, https_tokens: bool) -> dict[str, Queue]:
    """Store the new tasks that may be, leaving in each creation what became of it; return their queues by name."""
    queues: dict[str, Queue] = {}
    by_queue: defaultdict[QueueName, list[Creation]] = defaultdict(list)
    for creation in creations:
        by_queue[creation.queue].append(creation)
    admitted: list[tuple[StoredQueue, Task]] = []
    for name, group in by_queue.items():
        stored = tx.queue(name)
        if stored is not None:
            queues[name] = stored.queue
        named = [creation.name.task for creation in group if creation.new.name]
        living = tx.living(stored, named) if named and stored else set()
        entombed = tx.entombed(stored, named, now) if named and stored else set()
        for creation in group:
            try:
                task = _admitted(creation, found(stored), living, entombed, https_tokens=https_tokens)
            except ApiError as error:
                creation.outcome = error
            else:
                living.add(creation.name.task)
                creation.outcome = task
                admitted.append((found(stored), task))
    tx.add_tasks(admitted)
    return queues


def _admitted(
    creation: Creation, stored: StoredQueue, living: set[str], entombed: set[str], *, https_tokens: bool
) -> Task:
    task = settle_task(creation.new, stored.queue, creation.name, https_tokens=https_tokens)
    if creation.new.name:
        if creation.name.task in living:
            raise answers.task_exists()
        if creation.name.task in entombed:
            raise answers.task_existed_recently()
    if is_too_large(task):
        raise answers.task_too_large()
    return task


class Tasks:
    """What the task calls of the API do, with values checked and names parsed."""

    def __init__(self, world: World, scheduler: Scheduler, dispatcher: Dispatcher, *, https_tokens: bool) -> None:
        self._store = world.store
        self._clock = world.clock
        self._ids = world.ids
        self._events = world.events
        self._scheduler = scheduler
        self._dispatcher = dispatcher
        self._https_tokens = https_tokens
        self._admission = Admission(world.clock)
        self._creations: Batcher[Creation] = Batcher(self._create, depth=CREATE_BATCHES)

    async def create(self, queue: QueueName, new: NewTask) -> Task:
        """The new task, once it is safely stored.

        Raises NotFound without the queue, AlreadyExists for a name that is taken, InvalidArgument for what only the
        queue's settings tell and for a task too large, ResourceExhausted when the disk does not keep up.
        """
        creation = self._creation(queue, new)
        size = len(new.body)
        ticket = self._admission.enter(size)
        try:
            await self._creations.add(creation)
        finally:
            self._admission.leave(ticket, size)
        outcome = creation.outcome
        if isinstance(outcome, Task):
            return outcome
        raise outcome or answers.not_found()

    async def create_many(self, queue: QueueName, wanted: Sequence[NewTask | ApiError]) -> Sequence[Task | ApiError]:
        """What became of each, in their order; those that are errors already stay what they are.

        Raises ResourceExhausted when the disk does not keep up.
        """
        creations = [new if isinstance(new, ApiError) else self._creation(queue, new) for new in wanted]
        size = sum(len(each.new.body) for each in creations if isinstance(each, Creation))
        ticket = self._admission.enter(size)
        try:
            promises = {self._creations.add(each) for each in creations if isinstance(each, Creation)}
            for promise in promises:
                await promise
        finally:
            self._admission.leave(ticket, size)
        return [each if isinstance(each, ApiError) else each.outcome or answers.not_found() for each in creations]

    async def get(self, name: TaskName, *, body: bool) -> Task:
        """The task; without ``body`` its body is left unread. Raises NotFound, in other words for a recent task."""
        now = self._clock.now()

        def look(tx: Reader) -> Task:
            stored = found(tx.queue(name.parent), otherwise=answers.not_found)
            task = tx.task(stored, name.task, body=body)
            if task is not None:
                return task
            if tx.entombed(stored, [name.task], now):
                raise answers.task_gone()
            raise answers.not_found()

        return await self._store.read(look)

    async def list(self, queue: QueueName, after: str, limit: int, *, body: bool) -> Sequence[Task]:
        """Tasks in the order of their IDs, those after the ID ``after``. Raises NotFound."""
        return await self._store.read(lambda tx: tx.tasks(found(tx.queue(queue)), after, limit, body=body))

    async def delete(self, name: TaskName) -> None:
        """Remove the task; an attempt under way ends without retry. Raises NotFound."""
        (error,) = await self.delete_many(name.parent, [name.task])
        if error is not None:
            raise error

    async def delete_many(self, queue: QueueName, task_ids: Sequence[str]) -> Sequence[ApiError | None]:
        """Remove tasks; for each ID, in their order, the reason why not or None. An ID may stand twice."""

        def work(tx: Transaction) -> tuple[Queue | None, set[str]]:
            stored = tx.queue(queue)
            if stored is None:
                return None, set()
            return stored.queue, tx.remove(stored, task_ids, self._clock.now() + stored.queue.tombstone_ttl)

        settings, gone = await self._store.write(work)
        if settings is not None and gone:
            self._events.emit(TasksDeleted(settings, sorted(gone), self._clock.now()))
        return [None if task_id in gone else answers.not_found() for task_id in task_ids]

    async def run(self, name: TaskName) -> Task:
        """Dispatch the task now, whatever its queue's state and limits say, even beside an attempt under way.

        The answer shows the attempt counted but not yet started. Raises NotFound; InvalidArgument for a pull task.
        """
        now = self._clock.now()

        def work(tx: Transaction) -> tuple[StoredQueue, Task, Task]:
            stored = found(tx.queue(name.parent))
            before = tx.task(stored, name.task, body=True)
            if before is None:
                raise answers.not_found()
            if isinstance(before.target, PullMessage):
                raise answers.task_not_runnable()
            forced = tx.force(stored, name.task, now)
            assert forced is not None  # noqa: S101 - it was there a moment ago, in this transaction
            tx.save_flow(stored, stored.flow.forced())
            return stored, before, forced

        stored, before, forced = await self._store.write(work)
        self._dispatcher.dispatch(stored.queue, stored.id, forced)
        return replace(
            before,
            dispatch_count=forced.dispatch_count,
            dispatched_at=None,
            last_attempt=Attempt(before.schedule_time),
        )

    def _creation(self, queue: QueueName, new: NewTask) -> Creation:
        name = new.name or TaskName(f"{queue}/tasks/{self._ids.task_id(self._clock.now())}")
        return Creation(queue, new, name)

    async def _create(self, creations: Sequence[Creation]) -> None:
        now = self._clock.now()
        queues = await self._store.write(lambda tx: admit(tx, creations, now, https_tokens=self._https_tokens))
        earliest: dict[QueueName, datetime] = {}
        created: defaultdict[QueueName, list[Task]] = defaultdict(list)
        for creation in creations:
            task = creation.outcome
            if isinstance(task, Task):
                queue = creation.queue
                created[queue].append(task)
                if queue not in earliest or task.schedule_time < earliest[queue]:
                    earliest[queue] = task.schedule_time
        for queue, moment in earliest.items():
            self._scheduler.wake(queue, moment)
            self._events.emit(TasksCreated(queues[queue], created[queue], now))
