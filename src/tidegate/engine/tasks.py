"""Tasks: creating, reading, deleting, running them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from tidegate.core import answers
from tidegate.core.errors import ApiError
from tidegate.core.names import QueueName, TaskName
from tidegate.core.queue import Kind, Queue
from tidegate.core.size import is_too_large
from tidegate.core.task import Attempt, PullMessage, Task
from tidegate.core.validation import NewTask, settle_task
from tidegate.engine.admission import Admission
from tidegate.engine.batching import Batcher
from tidegate.engine.dispatcher import Dispatcher
from tidegate.engine.finishing import to_its_end
from tidegate.engine.lookup import found
from tidegate.engine.operations import Recorded
from tidegate.engine.ports import Reader, StoredQueue, TasksCreated, TasksDeleted, Transaction, World
from tidegate.engine.scheduler import Scheduler

CREATE_BATCHES = 2
"""Batches of new tasks with the store at a time: one syncs while the next is being filled with rows."""


class Creation:
    """A task on its way into the store. ``outcome`` is the stored task, or why there is none."""

    __slots__ = ("name", "new", "outcome", "push_only", "queue")

    def __init__(self, queue: QueueName, new: NewTask, name: TaskName, *, push_only: bool) -> None:
        self.queue = queue
        self.new = new
        self.name = name
        self.push_only = push_only
        self.outcome: Task | ApiError | None = None


def admit(
    tx: Transaction, creations: Sequence[Creation], now: datetime, *, https_tokens: bool
) -> dict[QueueName, Queue]:
    """Store the new tasks that may be, leaving in each creation what became of it; return their queues by name."""
    queues: dict[QueueName, Queue] = {}
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
                there = found(stored, push_only=creation.push_only)
                task = _admitted(creation, there, living, entombed, https_tokens=https_tokens)
            except ApiError as error:
                creation.outcome = error
            else:
                living.add(creation.name.task)
                creation.outcome = task
                admitted.append((there, task))
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


class Removal(Struct, frozen=True):
    """What was deleted: from which queue, if there is one, and the IDs that were there."""

    queue: Queue | None
    gone: set[str]


def remove(
    tx: Transaction, queue: QueueName, task_ids: Sequence[str], now: datetime, *, push_only: bool = False
) -> Removal:
    """Delete tasks by their IDs, leaving their names taken for a while."""
    stored = tx.queue(queue)
    if stored is None or (push_only and stored.queue.kind is Kind.PULL):
        return Removal(None, set())
    return Removal(stored.queue, tx.remove(stored, task_ids, now + stored.queue.tombstone_ttl))


class Tasks:
    """What the task calls of the API do, with values checked and names parsed.

    For callers that are ``push_only`` a pull queue is not there, and neither are its tasks.
    """

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

    async def create(self, queue: QueueName, new: NewTask, *, push_only: bool = False) -> Task:
        """The new task, once it is safely stored.

        Raises NotFound without the queue, AlreadyExists for a name that is taken, InvalidArgument for what only the
        queue's settings tell and for a task too large, ResourceExhausted when the disk does not keep up.
        """
        creation = self._creation(queue, new, push_only=push_only)
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

    @to_its_end
    async def create_batch(
        self,
        queue: QueueName,
        wanted: Sequence[NewTask | ApiError],
        operation: Recorded[Task | ApiError],
        *,
        push_only: bool = False,
    ) -> bytes:
        """Create tasks and keep the operation that tells of it; those that are errors already stay what they are.

        Raises InvalidArgument when the operation's name was used before, ResourceExhausted when the disk does not keep
        up.
        """
        entries = [
            new if isinstance(new, ApiError) else self._creation(queue, new, push_only=push_only) for new in wanted
        ]
        creations = [each for each in entries if isinstance(each, Creation)]
        now = self._clock.now()

        def work(tx: Transaction) -> tuple[dict[QueueName, Queue], bytes]:
            operation.claim(tx, now)
            queues = admit(tx, creations, now, https_tokens=self._https_tokens)
            return queues, operation.keep(tx, [_outcome(each) for each in entries], now)

        size = sum(len(each.new.body) for each in creations)
        ticket = self._admission.enter(size)
        try:
            queues, value = await self._store.write(work)
        finally:
            self._admission.leave(ticket, size)
        self._created(creations, queues, now)
        return value

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

    async def delete(self, name: TaskName, *, push_only: bool = False) -> None:
        """Remove the task; an attempt under way ends without retry. Raises NotFound."""

        def work(tx: Transaction) -> Removal:
            return remove(tx, name.parent, [name.task], self._clock.now(), push_only=push_only)

        removal = await self._store.write(work)
        if not removal.gone:
            raise answers.not_found()
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
            outcomes = [None if task_id in removal.gone else answers.not_found() for task_id in task_ids]
            return removal, operation.keep(tx, outcomes, now)

        removal, value = await self._store.write(work)
        self._removed(removal)
        return value

    @to_its_end
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

    def _creation(self, queue: QueueName, new: NewTask, *, push_only: bool) -> Creation:
        name = new.name or TaskName(f"{queue}/tasks/{self._ids.task_id(self._clock.now())}")
        return Creation(queue, new, name, push_only=push_only)

    async def _create(self, creations: Sequence[Creation]) -> None:
        now = self._clock.now()
        queues = await self._store.write(lambda tx: admit(tx, creations, now, https_tokens=self._https_tokens))
        self._created(creations, queues, now)

    def _created(self, creations: Sequence[Creation], queues: Mapping[QueueName, Queue], now: datetime) -> None:
        """Tell the scheduler and the listeners of the tasks that are stored now."""
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

    def _removed(self, removal: Removal) -> None:
        if removal.queue is not None and removal.gone:
            self._events.emit(TasksDeleted(removal.queue, sorted(removal.gone), self._clock.now()))


def _outcome(entry: Creation | ApiError) -> Task | ApiError:
    if isinstance(entry, ApiError):
        return entry
    return entry.outcome or answers.not_found()
