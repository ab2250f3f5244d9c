"""No attempt is early, and each follows the one before it as it should."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from tests.invariants.evidence import Evidence
from tests.invariants.limits import wait_after
from tests.invariants.violation import HAIR, Violation


def early(seen: Evidence) -> Iterator[Violation]:
    """No attempt begins before its task is due, nor a retry before its backoff has passed."""
    for task, deliveries in seen.of_task.items():
        dues = [call.asked.due for call in seen.creates.get(task, []) if call.may_have_touched(task)]
        for each in deliveries:
            if each.request.wall > seen.latest_wall(each.request.begun, each.request.at) + HAIR + seen.slack:
                yield Violation("early", task, f"{task}: attempt {each.request.attempt} began, it says, in the future")
        first = deliveries[0]
        if not first.forced and dues and first.request.wall < min(dues) - HAIR:
            ahead = min(dues) - first.request.wall
            yield Violation("early", task, f"{task} was dispatched {ahead:.6f} s before it was due")
        if seen.lives(task) > 1:
            continue
        for one, other in pairwise(deliveries):
            if other.forced or one.reply is None or seen.crashed_between(one, other) or seen.overtaken(one, other):
                continue
            if one.replied > other.place or one.delivered:
                continue  # for others to judge
            in_force = seen.limits(one.request.queue, one.reply.at, other.request.at)
            waits = [wait_after(one.request.attempt, one.reply, limits) for limits in in_force]
            passed = other.request.wall - seen.wall(one.reply.at)
            if waits and passed < min(waits) - HAIR - seen.slack:
                text = (
                    f"{task}: attempt {other.request.attempt} came {passed:.6f} s after a failure, not {min(waits)} s"
                )
                yield Violation("backoff", task, text)


def undead(seen: Evidence) -> Iterator[Violation]:
    """A node whose life is over sends nothing more: others have its tasks."""
    for delivery in seen.deliveries:
        request = delivery.request
        if seen.ends.get(request.node, math.inf) < delivery.place:
            text = f"{request.task}: attempt {request.attempt} is sent by node {request.node}, whose life is over"
            yield Violation("undead", request.task, text)


def repeated(seen: Evidence) -> Iterator[Violation]:
    """An attempt follows another only when that has failed, or the server crashed; no number is used twice."""
    for task, deliveries in seen.of_task.items():
        if seen.lives(task) > 1:
            continue
        for one, other in pairwise(deliveries):
            first, second = one.request.attempt, other.request.attempt
            if second <= first and not (one.forced or other.forced):
                yield Violation("number", task, f"{task}: attempt {second} starts after attempt {first}")
            if other.forced or seen.forgotten(one, other) or seen.overtaken(one, other):
                continue
            if one.replied > other.place:
                yield Violation("overlap", task, f"{task}: attempt {second} starts while {first} is under way")
            elif one.delivered:
                yield Violation("repeated", task, f"{task}: attempt {second} starts although {first} was answered 200")
