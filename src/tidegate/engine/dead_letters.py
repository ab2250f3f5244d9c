"""Dead letters: looked at, deleted, and driven into a queue again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from operator import attrgetter

from msgspec import Struct
from msgspec.structs import replace

from tidegate.core import refusals
from tidegate.core.attempt_record import ATTEMPTS_SIZE_MAX
from tidegate.core.dead_letters import DeadTask, ErrorGroup, revived
from tidegate.core.errors import ApiError
from tidegate.core.names import QueueName
from tidegate.core.queue import Kind
from tidegate.core.task import PullMessage, Task
from tidegate.engine.lookup import found
from tidegate.engine.ports.shelf import KeptAttempt
from tidegate.engine.ports.store import Reader, StoredQueue, Transaction
from tidegate.engine.ports.world import World
from tidegate.engine.scanning import SCANNED_MAX, Scanned, scan

Chooses = Callable[[DeadTask], bool]


class DeadGroup(Struct):
    """Dead tasks that failed alike: how many, when the first and the last died, and the newest of them."""

    error_group: ErrorGroup
    count: int
    first_time: datetime
    last_time: datetime
    sample: int


class DeadLetters:
    """What the operator's calls about dead tasks do, with values checked and names parsed."""

    def __init__(self, world: World) -> None:
        self._store = world.store

    async def list(
        self, queue: QueueName, before: int | None, limit: int, chooses: Chooses | None = None
    ) -> Scanned[DeadTask]:
        """Dead tasks, newest first, those before an ID; without bodies and with their last attempt alone. Raises
        NotFound without the queue.
        """

        def look(reader: Reader, behind: int | None, step: int) -> Sequence[DeadTask]:
            return reader.dead_tasks(found(reader.queue(queue)), step, before=behind)

        return await scan(self._store, look, attrgetter("id"), before, limit, chooses)

    async def get(self, queue: QueueName, dead_id: int) -> DeadTask:
        """The dead task, whole. Raises NotFound."""

        def look(reader: Reader) -> Sequence[DeadTask]:
            return reader.dead_tasks_by_id(
                found(reader.queue(queue), otherwise=refusals.not_found), [dead_id], whole=True
            )

        there = await self._store.read(look)
        if not there:
            raise refusals.not_found()
        return there[0]

    async def delete(self, queue: QueueName, dead_id: int) -> None:
        """Take a dead task off the shelf for good. Raises NotFound."""

        def work(tx: Transaction) -> int:
            return tx.drop_dead(found(tx.queue(queue), otherwise=refusals.not_found), [dead_id])

        if not await self._store.write(work):
            raise refusals.not_found()

    async def group(self, queue: QueueName, chooses: Chooses | None = None) -> Sequence[DeadGroup]:
        """The groups of the dead tasks, the largest first. Raises NotFound without the queue."""
        groups: dict[str, DeadGroup] = {}
        behind: int | None = None
        while True:
            scanned = await self.list(queue, behind, SCANNED_MAX, chooses)
            for dead in scanned.chosen:
                known = groups.get(dead.error_group.id)
                if known is None:
                    groups[dead.error_group.id] = DeadGroup(
                        dead.error_group, 1, dead.death_time, dead.death_time, dead.id
                    )
                else:
                    known.count += 1
                    known.first_time = min(known.first_time, dead.death_time)
                    known.last_time = max(known.last_time, dead.death_time)
            if scanned.go_on is None:
                return sorted(groups.values(), key=lambda group: (-group.count, group.error_group.id))
            behind = scanned.go_on


class Revival(Struct, frozen=True):
    """What became of dead tasks that were to go into a queue: the tasks there now, by ID why others stayed, and the IDs
    that were ``missing``.
    """

    queue: StoredQueue
    tasks: list[Task]
    refused: dict[int, ApiError]
    missing: list[int]


def revive(
    tx: Transaction,
    source: StoredQueue,
    target: StoredQueue,
    wanted: Sequence[tuple[int, datetime]],
    now: datetime,
    *,
    keep_counts: bool,
) -> Revival:
    """Make dead tasks of ``source`` anew in ``target``, by their IDs, each due at its time, and take them off the
    shelf. In their own queue they may take the names that they left behind. Those that are not there are left out.
    """
    due = dict(wanted)
    dead = tx.dead_tasks_by_id(source, list(due), whole=True)
    there = {each.id for each in dead}
    missing = [dead_id for dead_id in due if dead_id not in there]
    task_ids = [each.task.name.task for each in dead]
    taken = tx.living(target, task_ids)
    own = target.id == source.id
    if not own:
        taken |= tx.entombed(target, task_ids, now)
    going: list[DeadTask] = []
    refused: dict[int, ApiError] = {}
    for each in dead:
        task_id = each.task.name.task
        why_not = _why_not(each.task, target, taken=task_id in taken)
        if why_not is None:
            taken.add(task_id)  # two lives of one ID may lie on the shelf
            going.append(each)
        else:
            refused[each.id] = why_not
    if not going:
        return Revival(target, [], refused, missing)
    if own:
        tx.free_task_names(source, [each.task.name.task for each in going])
    tasks = [revived(each.task, target.queue.name, now, due[each.id], keep_counts=keep_counts) for each in going]
    late = tx.add_tasks(target, tasks)
    if late:  # another node took their IDs first
        refused |= {each.id: refusals.task_exists() for each in going if each.task.name.task in late}
        going = [each for each in going if each.id not in refused]
        tasks = [task for task in tasks if task.name.task not in late]
    tx.drop_dead(source, [each.id for each in going])
    if keep_counts:
        tx.restore_counts(target, tasks)
        tx.keep_attempts([kept for each in going for kept in _attempts_of(each, target)], ATTEMPTS_SIZE_MAX)
    return Revival(target, tasks, refused, missing)


def _attempts_of(dead: DeadTask, target: StoredQueue) -> list[KeptAttempt]:
    """The attempts of a dead task as those of the task that it is again."""
    return [KeptAttempt(target, dead.task.name.task, replace(record, final=False), None, 0) for record in dead.attempts]


def _why_not(task: Task, target: StoredQueue, *, taken: bool) -> ApiError | None:
    if isinstance(task.target, PullMessage) is not (target.queue.kind is Kind.PULL):
        return refusals.other_queue_type()
    return refusals.task_exists() if taken else None
