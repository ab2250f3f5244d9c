"""Claims: one transaction that finds what of some queues may start now, and marks it as dispatched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from tidegate.core.bucket import Flow
from tidegate.core.names import QueueName
from tidegate.core.queue import Kind, Queue, RateLimits, State
from tidegate.core.task import BULKY, Task
from tidegate.engine.body_budget import BodyBudget
from tidegate.engine.held_by import HeldBy, HoldCode
from tidegate.engine.ports.store import DueTasks, Reader, StoredQueue, Transaction

LARGE_SHARE = 128
"""Tasks from which on a queue may claim again at once; with fewer it pauses, so that claims do not get small."""

SHARE_PAUSE = timedelta(milliseconds=5)
"""A queue that could have given more than a small share is looked at again after this."""

HELD_PAUSE = timedelta(milliseconds=5)
"""A queue that another node held is tried again after this, or up to twice as much: a claim takes a millisecond or a
few."""

Shares = Mapping[QueueName, int]
"""How many tasks each queue may start, by its name."""


class Claim(Struct, frozen=True):
    """What one queue gave in a claim, and what keeps it from giving more. Its ``until`` is when to look next, None when
    something else will say so.
    """

    stored: StoredQueue
    tasks: list[Task]
    held_by: HeldBy


class _Grant(Struct):
    """What a queue may start in a claim: ``granted`` of its ``share``, and the ``flow`` if it does; then the ``tasks``
    that it starts, and when the next one is due if it starts fewer.
    """

    stored: StoredQueue
    share: int
    granted: int
    limits: RateLimits
    flow: Flow
    tasks: list[Task]
    next_due: datetime | None = None


def grant(stored: StoredQueue, wanted: int, now: datetime, *, ramp_up: bool) -> tuple[int, Flow, RateLimits]:
    """How many of so many attempts a queue lets start, its flow with them under way, and the limits that said so."""
    flow = stored.flow.ramping(now, on=ramp_up)
    limits = flow.limits(stored.queue.rate_limits, now)
    granted, flow = flow.grant(wanted, limits, now)
    return granted, flow, limits


def claim(tx: Transaction, shares: Shares, now: datetime, bulk: BodyBudget, *, ramp_up: bool) -> list[Claim]:
    """Take the tasks these queues may dispatch at ``now``, of each its share at most and no more long ones than
    ``bulk`` has room for; the locked rows keep many nodes in step.
    """
    claims: list[Claim] = []
    grants: list[_Grant] = []
    for name, share in shares.items():
        stored = tx.queue(name)
        if stored is None:
            continue
        if not tx.held(name):
            claims.append(Claim(stored, [], HeldBy(HoldCode.OTHER_NODE)))
            continue
        if not stored.queue.dispatches:
            claims.append(Claim(stored, [], HeldBy(_why_not_dispatched(stored.queue))))
            continue
        granted, flow, limits = grant(stored, share, now, ramp_up=ramp_up)
        grants.append(_Grant(stored, share, granted, limits, flow, []))
    # For all queues together, however few tasks each of them gives: a statement of its own costs more than a task.
    asked = [each for each in grants if each.granted]
    bulk = bulk.copy()
    for each, due in zip(asked, tx.due_tasks([(each.stored, each.granted) for each in asked], now), strict=True):
        fitting = _fitting(due, each.stored.queue.name, bulk)
        each.tasks = [task.dispatched(now) for task in tx.with_bodies(fitting)]
        started = len(each.tasks)
        each.flow = each.flow.give_back(each.granted - started).started(started, now) if started else each.stored.flow
    tx.mark_dispatched([task for each in asked for task in each.tasks], now)
    tx.save_flows([(each.stored, each.flow) for each in asked if each.tasks])
    # Of those that gave less than they might: what is due next.
    short = [each for each in grants if len(each.tasks) < each.granted or not each.tasks]
    for each, due_at in zip(short, tx.next_due([each.stored for each in short]), strict=True):
        each.next_due = due_at
    claims.extend(Claim(each.stored, each.tasks, _held_by(each, now)) for each in grants)
    return claims


def look(tx: Reader, names: Iterable[QueueName], now: datetime, *, ramp_up: bool) -> list[Claim]:
    """What claims of these queues would find, without holding any: whether something is due that may start, else what
    keeps it.
    """
    claims: list[Claim] = []
    grants: list[_Grant] = []
    for name in names:
        stored = tx.queue(name)
        if stored is None:
            continue
        if not stored.queue.dispatches:
            claims.append(Claim(stored, [], HeldBy(_why_not_dispatched(stored.queue))))
            continue
        granted, flow, limits = grant(stored, 1, now, ramp_up=ramp_up)
        grants.append(_Grant(stored, 1, granted, limits, flow, []))
    for each, due_at in zip(grants, tx.next_due([each.stored for each in grants]), strict=True):
        if each.granted and due_at is not None and due_at <= now:
            claims.append(Claim(each.stored, [], HeldBy(HoldCode.DUE_NOW, until=now)))
            continue
        each.next_due = due_at
        claims.append(Claim(each.stored, [], _held_by(each, now)))
    return claims


def _fitting(due: DueTasks, queue: QueueName, bulk: BodyBudget) -> list[Task]:
    """The first of the due tasks, with their ``Task.bulk``, that ``bulk`` has room for; noted there."""
    if max(due.sizes, default=0) <= BULKY:
        return due.tasks
    left = bulk.room(queue)
    fitting: list[Task] = []
    for due_task, size in zip(due.tasks, due.sizes, strict=True):
        task = due_task
        if size > BULKY:
            left -= size
            if left < 0:
                break
            bulk.hold(queue, size)
            task = replace(task, bulk=size)
        fitting.append(task)
    return fitting


def _held_by(given: _Grant, now: datetime) -> HeldBy:
    """What keeps a queue that dispatches from starting more than it was given."""
    tasks, granted, limits, flow = given.tasks, given.granted, given.limits, given.flow
    if len(tasks) < granted or not tasks:
        if given.next_due is None or given.next_due > now:  # nothing waits, or not yet
            return HeldBy(HoldCode.NOTHING_DUE, until=given.next_due)
        if granted:
            return HeldBy(HoldCode.BODIES_FULL)
    if flow.in_flight >= limits.max_concurrent_dispatches:
        return HeldBy(HoldCode.CONCURRENCY_FULL)
    if granted == given.share:  # there may be more at once
        return HeldBy(HoldCode.DUE_NOW, until=now if granted >= LARGE_SHARE else now + SHARE_PAUSE)
    again = flow.bucket.look_again(limits, now)
    if flow.throttle.factor_at(now) < 1:
        return HeldBy(HoldCode.THROTTLED, flow.throttle.since, again)
    slower = limits.max_dispatches_per_second < given.stored.queue.rate_limits.max_dispatches_per_second
    return HeldBy(HoldCode.RAMPING_UP if slower else HoldCode.RATE_LIMITED, until=again)


def _why_not_dispatched(queue: Queue) -> HoldCode:
    if queue.kind is Kind.PULL:
        return HoldCode.PULL_QUEUE
    return HoldCode.QUEUE_DISABLED if queue.state is State.DISABLED else HoldCode.QUEUE_PAUSED
