"""New tasks on their way into the store, and those of them that start as they are stored.

A claim costs a transaction and reads back what was only just written. A task that is due at once, with nothing due
before it and room under its queue's limits, is therefore stored as dispatched (10 us of a task's 190 from its creation
to its record, and a commit less of waiting).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from msgspec import Struct

from tidegate.core import refusals
from tidegate.core.errors import ApiError
from tidegate.core.names import QueueName
from tidegate.core.queue import Kind, Queue
from tidegate.core.size import is_too_large, size_bound
from tidegate.core.task import Target, Task
from tidegate.core.times import whole_second
from tidegate.core.validation import NewTask, settle_target
from tidegate.engine.claims import Shares, grant
from tidegate.engine.lookup import found
from tidegate.engine.ports.store import StoredQueue, Transaction

LIGHT_BODY = 1024
LIGHT_TARGET = 16 * 1024
"""Bytes, of the target as ``size_bound`` counts them, up to which a task may start as it is stored. Longer ones are
claimed, which weighs what they take of memory.
"""


class Creation(Struct, frozen=True, gc=False):
    """A task on its way into the store."""

    queue: QueueName
    new: NewTask
    push_only: bool
    trace: bytes = b""


class Admitted(Struct, frozen=True):
    """The tasks that were stored in one queue: all ``tasks``, those that wait, and those whose attempts start now."""

    queue: Queue
    queue_id: int
    tasks: list[Task]
    waiting: list[Task]
    started: list[Task]


class Creations(Struct, frozen=True):
    """What became of new tasks: of each of them, in their order, the stored task or why there is none; and what was
    stored in each queue.

    It is in the collector's sight: an error's traceback leads back to the value that holds it.
    """

    outcomes: list[Task | ApiError]
    admitted: list[Admitted]


class Rules(Struct, frozen=True):
    """What of the operator's policy creations ask for: whether only ``https`` URLs may carry tokens, whether queues
    ramp up.
    """

    https_tokens: bool
    ramp_up: bool


class _Settled(Struct, frozen=True):
    """A target as its queue stores it, and how many bytes it makes at most."""

    stored: Target
    size_bound: int


def admit(
    tx: Transaction,
    creations: Sequence[Creation],
    shares: Shares,
    new_ids: Callable[[datetime, int], list[str]],
    now: datetime,
    rules: Rules,
) -> Creations:
    """Store the new tasks that may be. Of a queue with a share so many may start at once."""
    by_queue: defaultdict[QueueName, list[Creation]] = defaultdict(list)
    for creation in creations:
        by_queue[creation.queue].append(creation)
    settled: dict[QueueName, list[Task | ApiError]] = {}
    admitted: list[Admitted] = []
    for name, group in by_queue.items():
        stored = tx.queue(name)
        outcomes = settled[name] = _settle(tx, stored, group, new_ids, now, rules)
        tasks = [each for each in outcomes if isinstance(each, Task)]
        if stored is None or not tasks:
            continue
        share = shares.get(name, 0) if stored.queue.dispatches else 0
        ready = _ready(tasks, now)[:share] if share and tx.held(name) else []
        started, taken = _start(tx, stored, ready, now, rules) if ready else ([], set())
        waiting = _rest(tasks, started, taken)
        if waiting and (late := tx.add_tasks(stored, waiting)):
            waiting = _without(waiting, late)
            taken.update(late)
        if taken:
            tasks = _without(tasks, taken)
            settled[name] = [_unless(taken, each) for each in outcomes]
        admitted.append(Admitted(stored.queue, stored.id, tasks, waiting, started))
    if len(settled) == 1:
        (outcomes,) = settled.values()
        return Creations(outcomes, admitted)
    in_turn = {name: iter(each) for name, each in settled.items()}
    return Creations([next(in_turn[creation.queue]) for creation in creations], admitted)


def _settle(
    tx: Transaction,
    stored: StoredQueue | None,
    group: Sequence[Creation],
    new_ids: Callable[[datetime, int], list[str]],
    now: datetime,
    rules: Rules,
) -> list[Task | ApiError]:
    """The tasks of one queue as they are stored, and why others may not be, in their order."""
    named = [creation.new.name.task for creation in group if creation.new.name]
    taken = _taken(tx, stored, named, now) if named and stored else {}
    unnamed = len(group) - len(named)
    new_names = iter(group[0].queue.tasks(new_ids(now, unnamed)) if unnamed else ())
    for_all = stored is not None and stored.queue.kind is not Kind.PULL
    second = whole_second(now)
    settled: dict[int, _Settled] = {}  # by what was sent: many share a target, and it is the same for all of them
    outcomes: list[Task | ApiError] = []
    for creation in group:
        new = creation.new
        try:
            if not for_all:
                found(stored, push_only=creation.push_only)
            target = settled.get(id(new.target))
            if target is None:
                target = settled[id(new.target)] = _settled(new.target, found(stored).queue, rules)
            task = new.stored(new.name or next(new_names), target.stored, now, second, creation.trace)
            if new.name and (why_not := taken.get(new.name.task)):
                raise why_not()
            if is_too_large(task, target.size_bound):
                raise refusals.task_too_large()
        except ApiError as error:
            outcomes.append(error)
            continue
        if new.name:
            taken[new.name.task] = refusals.task_exists
        outcomes.append(task)
    return outcomes


def _settled(sent: Target, queue: Queue, rules: Rules) -> _Settled:
    target = settle_target(sent, queue, https_tokens=rules.https_tokens)
    return _Settled(target, size_bound(target))


def _taken(
    tx: Transaction, stored: StoredQueue, task_ids: Sequence[str], now: datetime
) -> dict[str, Callable[[], ApiError]]:
    """Those of the IDs that cannot be given, and why."""
    taken: dict[str, Callable[[], ApiError]] = dict.fromkeys(
        tx.entombed(stored, task_ids, now), refusals.task_existed_recently
    )
    taken.update(dict.fromkeys(tx.living(stored, task_ids), refusals.task_exists))
    return taken


def _ready(tasks: Sequence[Task], now: datetime) -> list[Task]:
    """Those of the tasks that are due and light; none if one of their targets is not."""
    targets = {id(task.target): task.target for task in tasks}  # many share one
    if max(map(size_bound, targets.values())) > LIGHT_TARGET:
        return []
    return [task for task in tasks if task.schedule_time <= now and len(task.body) <= LIGHT_BODY]


def _start(
    tx: Transaction, stored: StoredQueue, ready: Sequence[Task], now: datetime, rules: Rules
) -> tuple[list[Task], set[str]]:
    """Store as many of the tasks as the queue's limits let start now as dispatched. Returns these, and the IDs of those
    that another node took first.
    """
    granted, flow, _ = grant(stored, len(ready), now, ramp_up=rules.ramp_up)
    if not granted:
        return [], set()
    added = tx.add_dispatched(stored, [task.dispatched(now) for task in ready[:granted]], now)
    started = len(added.tasks)
    if started:
        tx.save_flows([(stored, flow.give_back(granted - started).started(started, now))])
    return added.tasks, set(added.taken)


def _rest(tasks: list[Task], started: Sequence[Task], taken: Collection[str]) -> list[Task]:
    """Those of the tasks that neither start nor are taken; mostly all or none of them."""
    if not started and not taken:
        return tasks
    if len(started) + len(taken) == len(tasks):
        return []
    return _without(tasks, {task.name.task for task in started}.union(taken))


def _without(tasks: list[Task], task_ids: Collection[str]) -> list[Task]:
    return [task for task in tasks if task.name.task not in task_ids]


def _unless(taken: Collection[str], outcome: Task | ApiError) -> Task | ApiError:
    """The outcome of a creation, if it is not that of a task whose name another node took first."""
    return refusals.task_exists() if isinstance(outcome, Task) and outcome.name.task in taken else outcome
