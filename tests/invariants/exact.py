"""What an exact history shows beyond the promises to every client: attempts at their very times, and none late."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from tests.invariants.evidence import Delivery, Evidence
from tests.invariants.limits import ASKS_FOR_ROOM, SLOWEST, wait_after
from tests.invariants.violation import Violation

from tidegate.core.throttle import RECOVERY
from tidegate.engine.connection_budget import EVERY, SLICE

SAME = 0.4e-6  # seconds; times of microseconds that differ by less are the same
ROUNDING = 2e-6  # seconds, of a timer's float
RATE_PAUSE = 0.01  # seconds; the scheduler's, for a queue held back by its rate
EPSILON = 1e-6  # of a factor
LONG = 30.0  # seconds without a change after which a queue is as its settings say


def mistimed(seen: Evidence) -> Iterator[Violation]:
    """Requests name the time that was asked for; a retry's is the end of the failed attempt and exactly its wait."""
    for task, deliveries in seen.of_task.items():
        (created,) = seen.creates[task]
        first = deliveries[0].request
        if abs(first.due - created.asked.due) > SAME:
            yield Violation("due", task, f"{task} is told {first.due:.6f}, and was created for {created.asked.due:.6f}")
        for each in deliveries:
            if each.request.at < each.request.due - SAME:
                yield Violation("early", task, f"{task}: attempt {each.request.attempt} comes before it is due")
        for one, other in pairwise(deliveries):
            if one.reply is None or one.delivered or _crashed(seen, one.request.at, one.reply.at):
                continue
            ended, due = one.reply.at, other.request.due
            in_force = seen.limits(one.request.queue, ended, ended)
            waits = sorted({wait_after(one.request.attempt, one.reply, limits) for limits in in_force})
            if any(abs(due - ended - wait) <= SAME for wait in waits):
                continue
            # A claim that a crash lost is due at once.
            if due > other.request.at + SAME or not _crashed(seen, ended, other.request.at):
                text = (
                    f"{task}: attempt {other.request.attempt} is due {due - ended:.6f} s after a failure, not {waits}"
                )
                yield Violation("backoff", task, text)


def _crashed(seen: Evidence, start: float, end: float) -> bool:
    return any(start <= at <= end for at in seen.crashed_at)


def misnumbered(seen: Evidence) -> Iterator[Violation]:
    """Without crashes attempts are numbered 1, 2, 3 …"""
    if seen.crashes:
        return
    for task, deliveries in seen.of_task.items():
        numbers = [each.request.attempt for each in deliveries]
        if numbers != list(range(1, len(numbers) + 1)):
            yield Violation("number", task, f"{task} has attempts {numbers}")


def slowed(seen: Evidence) -> Iterator[Violation]:
    """After a 429 or 503 the queue is slowed by half, and no sooner faster than it recovers; only then."""
    for queue, deliveries in _by_queue(seen).items():
        replies = [each.reply for each in deliveries if each.reply is not None]
        asked = sorted(reply.at for reply in replies if reply.status in ASKS_FOR_ROOM)
        causes = sorted([*asked, *(reply.at for reply in replies if reply.status >= 500 or not reply.status)])
        for each in deliveries:
            at, factor = each.request.at, each.request.factor
            before = asked[: bisect_left(asked, at)]
            if not seen.throttling:
                if factor != 1:
                    yield Violation("slowed", queue, f"{queue} is slowed at {at:.6f} though throttling is off")
            elif before and before[-1] not in seen.crashed_at and factor > _recovered(at - before[-1]) + EPSILON:
                yield Violation("not slowed", queue, f"{queue} is not slowed at {at:.6f} after a 429 or 503")
            if factor < 1 and not bisect_right(causes, at):
                yield Violation("slowed", queue, f"{queue} is slowed at {at:.6f} without a cause")


def _recovered(seconds: float) -> float:
    """The most that a queue may have of its rate so long after it was slowed; it may be a second behind."""
    return min(1.0, 0.5 * float(RECOVERY ** min(seconds + 1, 100.0)))


def _by_queue(seen: Evidence) -> dict[str, list[Delivery]]:
    of_queue: defaultdict[str, list[Delivery]] = defaultdict(list)
    for delivery in seen.deliveries:
        of_queue[delivery.request.queue].append(delivery)
    return of_queue


def late(seen: Evidence) -> Iterator[Violation]:
    """A due task starts at once, or when its queue's rate, limit, pause or slowness lets it: no later.

    From the last thing that held it back, the next dispatch takes no longer than earning one token does.
    """
    all_starts = sorted(each.request.at for each in seen.deliveries)
    for queue, deliveries in _by_queue(seen).items():
        work = _Work(seen, queue, deliveries)
        for number, each in enumerate(deliveries):
            waited, longest = work.wait(number)
            at = each.request.at
            if waited > longest + _connecting(all_starts, at - waited, at):
                text = f"{each.request.task}: attempt {each.request.attempt} starts {waited:.6f} s late"
                yield Violation("late", each.request.task, text)


def _connecting(starts: list[float], since: float, until: float) -> float:
    """How long others that started may have held an attempt back: only a few open connections at a time."""
    others = bisect_left(starts, until) - bisect_left(starts, since - EVERY)
    return EVERY * (1 + others // SLICE) if others else 0.0


class _Work:
    """What a queue did, and what may have held an attempt of it back."""

    def __init__(self, seen: Evidence, queue: str, deliveries: list[Delivery]) -> None:
        self._seen = seen
        self._queue = queue
        self._deliveries = deliveries
        self._starts = [each.request.at for each in deliveries]
        self._ends = sorted(_end(seen, each) for each in deliveries)
        self._changes = sorted(change.asked.at for change in seen.changes(queue))

    def wait(self, number: int) -> tuple[float, float]:
        """Since when nothing but its rate held an attempt back, as seconds before its start; and how long it might."""
        seen, request = self._seen, self._deliveries[number].request
        (created,) = seen.creates[request.task]
        at, asked = request.at, max(request.due, created.asked.at)
        if self._is_free(number):
            return at - asked, ROUNDING
        since = max([asked, *self._starts[max(0, number - 1) : number]])
        since = max([since, *_last(self._changes, at), *_last(seen.started_at, at)])
        in_force = seen.limits(self._queue, since, at)
        under_way = bisect_left(self._starts, at) - bisect_left(self._ends, at)
        if under_way >= min(limits.concurrency for limits in in_force):
            since = max([since, *_last(self._ends, at)])
        rate = min(limits.rate for limits in in_force)
        if seen.throttling:
            rate = min(rate, SLOWEST)
        return at - since, 1 / rate + RATE_PAUSE + ROUNDING

    def _is_free(self, number: int) -> bool:
        """Whether nothing can have held the task back: its queue ran unchanged, unslowed and with tokens and room to
        spare, and nothing crashed.
        """
        request = self._deliveries[number].request
        at, long_ago = request.at, request.due - LONG
        disturbances = [*self._seen.started_at, *self._changes]
        if request.factor < 1 or any(long_ago <= moment <= at for moment in disturbances):
            return False
        (limits,) = self._seen.limits(self._queue, at, at)
        recent = self._deliveries[bisect_left(self._starts, long_ago) : bisect_right(self._starts, at)]
        under_way = bisect_right(self._starts, at) - bisect_left(self._ends, request.due)
        unslowed = all(each.request.factor == 1 for each in recent)
        return unslowed and len(recent) < limits.burst and under_way < limits.concurrency


def _end(seen: Evidence, delivery: Delivery) -> float:
    """When an attempt ended, by its answer or by a crash."""
    if delivery.reply is not None:
        return delivery.reply.at
    later = bisect_right(seen.crashes, delivery.place)
    return seen.crashed_at[later] if later < len(seen.crashes) else math.inf


def _last(moments: list[float], until: float) -> list[float]:
    """The last of some sorted moments up to another one, if there is any."""
    return moments[: bisect_right(moments, until)][-1:]
