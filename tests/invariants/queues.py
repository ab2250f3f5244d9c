"""The limits of queues are ceilings, and a paused queue dispatches nothing."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator

from tests.invariants.evidence import Delivery, Evidence
from tests.invariants.limits import throttled
from tests.invariants.violation import Violation


def too_fast(seen: Evidence) -> Iterator[Violation]:
    """No window of time sees more attempts than burst and rate allow; a throttled queue earns and holds less."""
    of_queue = defaultdict(list)
    for delivery in seen.deliveries:
        if not delivery.forced:
            of_queue[delivery.request.queue].append(delivery)
    for queue, deliveries in of_queue.items():
        deliveries.sort(key=lambda each: (each.request.begun, each.place))
        level, since = math.inf, -math.inf
        for each in deliveries:
            at = each.request.begun
            if any(remake.ended_at >= since and remake.asked.at <= at for remake in seen.remakes(queue)):
                level = math.inf
            factor = each.request.factor
            most = seen.limits(queue, at, at)
            if not most:
                yield Violation("unknown queue", queue, f"{each.request.task} is dispatched from no queue")
                continue
            spare = seen.slack * max(limits.rate for limits in most)
            if level < math.inf:
                fastest = max(throttled(limits, factor).rate for limits in seen.limits(queue, since, at))
                level += fastest * (at - since + seen.moved_forward(since, at))
            level = min(level, max(throttled(limits, factor).burst for limits in most)) - 1
            since = at
            if level < (-1e-3 if factor >= 1 else -1 - 1e-3) - spare:  # what it had earned until it was throttled stays
                text = (
                    f"{queue}: attempt {each.request.attempt} of {each.request.task} is {-level:.2f} tokens too early"
                )
                yield Violation("too fast", queue, text)
                level = 0.0


def too_many(seen: Evidence) -> Iterator[Violation]:
    """No more attempts are under way than the queue allows, but for those that RunTask adds."""
    changes: list[tuple[float, int, Delivery]] = []
    for delivery in seen.deliveries:
        changes.append((delivery.place, 1, delivery))
        changes.append((min(delivery.replied, seen.end_of(delivery)), -1, delivery))
    under_way: defaultdict[str, int] = defaultdict(int)
    for _, change, delivery in sorted(changes, key=lambda each: (each[0], each[1])):
        request = delivery.request
        if delivery.forced:
            continue
        under_way[request.queue] += change
        if change > 0:
            in_force = seen.limits(request.queue, request.begun, request.at)
            most = max((limits.concurrency for limits in in_force), default=math.inf)
            remade = any(r.asked.at <= request.at for r in seen.remakes(request.queue))  # attempts of before go on
            if under_way[request.queue] > most and not remade:
                text = f"{request.queue}: {under_way[request.queue]} under way at {request.at:.3f}, {most} allowed"
                yield Violation("too many", request.queue, text)


def paused(seen: Evidence) -> Iterator[Violation]:
    """No attempt begins in a paused queue."""
    ends = {"resume_queue", "delete_queue", "create_queue"}
    for queue, calls in seen.of_queue.items():
        for pause in calls:
            if pause.asked.method != "pause_queue" or not pause.done:
                continue
            until = min(
                (c.asked.at for c in calls if c.asked.method in ends and not c.void and c.end > pause.begin),
                default=math.inf,
            )
            for delivery in seen.deliveries:
                request = delivery.request
                if (
                    request.queue == queue
                    and pause.ended_at < request.begun < until - seen.slack
                    and not delivery.forced
                ):
                    text = f"{request.task} was dispatched at {request.begun:.3f}, paused since {pause.ended_at:.3f}"
                    yield Violation("paused", request.task, text)
