"""Tasks: creating, reading, deleting, running them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from tidegate.core import answers
from tidegate.core.errors import ApiError
from tidegate.core.names import QueueName, TaskName
from tidegate.core.queue import Kind, Queue
from tidegate.core.size import is_too_large, size_bound
from tidegate.core.task import Attempt, PullMessage, Target, Task
from tidegate.core.times import whole_second
from tidegate.core.validation import NewTask, settle_target
from tidegate.engine.admission import Admission
from tidegate.engine.batching import Batcher
from tidegate.engine.dispatcher import Dispatcher
from tidegate.engine.finishing import to_its_end
from tidegate.engine.lookup import found
from tidegate.engine.operations import Recorded
from tidegate.engine.ports import Reader, StoredQueue, TasksCreated, TasksDeleted, Transaction, World
from tidegate.engine.scheduler import Scheduler


class Creation(Struct, gc=False):
    """A task on its way into the store. ``outcome`` is the stored task, or why there is none."""

    queue: QueueName
    new: NewTask
    push_only: bool
    outcome: Task | ApiError | None = None


class Admitted(Struct, frozen=True):
    """The tasks that were stored in one queue."""

    queue: Queue
    tasks: list[Task]


def admit(
    tx: Transaction,
    creations: Sequence[Creation],
    new_id: Callable[[datetime], str],
    now: datetime,
    *,
    https_tokens: bool,
) -> list[Admitted]:
    """Store the new tasks that may be, leaving in each creation what became of it."""
    by_queue: defaultdict[QueueName, list[Creation]] = defaultdict(list)
    for creation in creations:
        by_queue[creation.queue].append(creation)
    admitted: list[Admitted] = []
    second = whole_second(now)
    for name, group in by_queue.items():
        stored = tx.queue(name)
        named = [creation.new.name.task for creation in group if creation.new.name]
        taken = _taken(tx, stored, named, now) if named and stored else {}
        for_all = stored is not None and stored.queue.kind is not Kind.PULL
        settled: dict[int, _Settled] = {}  # by what was sent: many share a target, and it is the same for all of them
        tasks: list[Task] = []
        for creation in group:
            new = creation.new
            try:
                if not for_all:
                    found(stored, push_only=creation.push_only)
                target = settled.get(id(new.target))
                if target is None:
                    target = settled[id(new.target)] = _settle(new.target, found(stored), https_tokens=https_tokens)
                task = new.stored(new.name or name.task(new_id(now)), target.stored, now, second)
                why_not = taken.get(new.name.task) if new.name else None
                if why_not is not None:
                    raise why_not()
                if is_too_large(task, target.size_bound):
                    raise answers.task_too_large()
            except ApiError as error:
                creation.outcome = error
                continue
            if new.name:
                taken[new.name.task] = answers.task_exists
            creation.outcome = task
            tasks.append(task)
        if stored and tasks:
            tx.add_tasks(stored, tasks)
            admitted.append(Admitted(stored.queue, tasks))
    return admitted


class _Settled(Struct, frozen=True):
    """A target as its queue stores it, and how many bytes it makes at most."""

    stored: Target
    size_bound: int


def _settle(sent: Target, queue: StoredQueue, *, https_tokens: bool) -> _Settled:
    target = settle_target(sent, queue.queue, https_tokens=https_tokens)
    return _Settled(target, size_bound(target))


def _taken(
    tx: Transaction, stored: StoredQueue, task_ids: Sequence[str], now: datetime
) -> dict[str, Callable[[], ApiError]]:
    """Those of the IDs that cannot be given, and why."""
    taken: dict[str, Callable[[], ApiError]] = dict.fromkeys(
        tx.entombed(stored, task_ids, now), answers.task_existed_recently
    )
    taken.update(dict.fromkeys(tx.living(stored, task_ids), answers.task_exists))
    return taken


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
        self._creations: Batcher[Creation] = Batcher(self._create)

    async def create(self, queue: QueueName, new: NewTask, *, push_only: bool = False) -> Task:
        """The new task, once it is safely stored.

        Raises NotFound without the queue, AlreadyExists for a name that is taken, InvalidArgument for what only the
        queue's settings tell and for a task too large, ResourceExhausted when the disk does not keep up.
        """
        creation = Creation(queue, new, push_only)
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
        entries = [new if isinstance(new, ApiError) else Creation(queue, new, push_only) for new in wanted]
        creations = [each for each in entries if isinstance(each, Creation)]
        now = self._clock.now()

        def work(tx: Transaction) -> tuple[Sequence[Admitted], bytes]:
            operation.claim(tx, now)
            admitted = self._admit(tx, creations, now)
            return admitted, operation.keep(tx, [_outcome(each) for each in entries], now)

        size = sum(len(each.new.body) for each in creations)
        ticket = self._admission.enter(size)
        try:
            admitted, value = await self._store.write(work)
        finally:
            self._admission.leave(ticket, size)
        self._created(admitted, now)
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
            tx.save_flows([(stored, stored.flow.forced())])
            return stored, before, forced

        stored, before, forced = await self._store.write(work)
        self._dispatcher.dispatch(stored.queue, stored.id, [forced])
        return replace(
            before,
            dispatch_count=forced.dispatch_count,
            dispatched_at=None,
            last_attempt=Attempt(before.schedule_time),
        )

    async def _create(self, creations: Sequence[Creation]) -> None:
        now = self._clock.now()
        admitted = await self._store.write(lambda tx: self._admit(tx, creations, now))
        self._created(admitted, now)

    def _admit(self, tx: Transaction, creations: Sequence[Creation], now: datetime) -> Sequence[Admitted]:
        return admit(tx, creations, self._ids.task_id, now, https_tokens=self._https_tokens)

    def _created(self, admitted: Iterable[Admitted], now: datetime) -> None:
        """Tell the scheduler and the listeners of the tasks that are stored now."""
        for each in admitted:
            self._scheduler.wake(each.queue.name, min(task.schedule_time for task in each.tasks))
            self._events.emit(TasksCreated(each.queue, each.tasks, now))

    def _removed(self, removal: Removal) -> None:
        if removal.queue is not None and removal.gone:
            self._events.emit(TasksDeleted(removal.queue, sorted(removal.gone), self._clock.now()))


def _outcome(entry: Creation | ApiError) -> Task | ApiError:
    if isinstance(entry, ApiError):
        return entry
    return entry.outcome or answers.not_found()
