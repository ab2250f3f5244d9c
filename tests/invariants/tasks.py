"""No task is lost, none comes back, no name is given twice."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from tests.invariants.evidence import Call, Delivery, Evidence
from tests.invariants.limits import gives_up
from tests.invariants.violation import HAIR, Violation


def lost(seen: Evidence) -> Iterator[Violation]:
    """An acknowledged task is delivered, listed, removed on purpose or exhausted."""
    if seen.left is None:
        return
    for task, creates in seen.creates.items():
        sure = [call for call in creates if _acknowledged(seen, task, call)]
        if not sure or task in seen.left:
            continue
        last = max(sure, key=lambda call: call.begin)
        attempts = [each for each in seen.of_task.get(task, []) if each.place > last.begin]
        if any(each.delivered for each in attempts):
            continue
        if any(removal.end > last.begin for removal in seen.removals(task)):
            continue
        if attempts and exhausted(seen, attempts):
            continue
        tried = f"its {len(attempts)} attempts failed" if attempts else "it was never dispatched"
        yield Violation("lost", task, f"{task} was acknowledged, is nowhere now, and {tried}")


def _acknowledged(seen: Evidence, task: str, call: Call) -> bool:
    """Its creator was told so; or was told, after no answer, that the task is there already and nobody else made it."""
    if call.certainly_touched(task):
        return True
    if call.void or call.done:
        return False
    creates = seen.creates.get(task, [])
    taken = any(c.answer and c.answer.code == "ALREADY_EXISTS" and c.begin > call.begin for c in creates)
    return taken and sum(not c.void for c in creates) == 1


def exhausted(seen: Evidence, attempts: list[Delivery]) -> bool:
    """Whether the last attempt may have been one too many."""
    first, last = attempts[0], attempts[-1]
    if last.reply is None:
        return False
    passed = seen.latest_wall(first.request.begun, last.reply.at) - first.request.wall + HAIR + seen.slack
    # Elsewhere than in exact histories the outcome may have been recorded any time later, under other settings.
    in_force = seen.limits(last.request.queue, last.reply.at, last.reply.at if seen.exact else math.inf)
    return any(gives_up(last.request.attempt, passed, limits) for limits in in_force)


def returned(seen: Evidence) -> Iterator[Violation]:
    """After an acknowledged removal nothing of the task is seen again: no new request, no list, no lease, no answer."""
    sightings = defaultdict(list)
    for delivery in seen.deliveries:
        request = delivery.request
        sightings[request.task].append((delivery.place, request.begun, request.at, f"attempt {request.attempt} starts"))
    for call in seen.calls.values():
        if call.done and call.answer and call.asked.method in {"list_tasks", "get_task", "lease_tasks", "run_task"}:
            for task in call.answer.tasks:
                sightings[task].append((call.begin, call.asked.at, call.answer.at, f"{call.asked.method} shows it"))
    for task, creates in seen.creates.items():
        for removal in seen.removals(task):
            # Only who was certainly created before the removal was asked for is certainly removed.
            if not removal.certainly_touched(task) or not all(
                each.void or each.end < removal.begin for each in creates
            ):
                continue
            for place, begun, at, what in sightings[task]:
                if place > removal.end and begun > removal.ended_at:
                    how = f"{removal.asked.method}, answered at {removal.ended_at:.3f}"
                    yield Violation("returned", task, f"{task}: {what} at {at:.3f}, after {how}")


def taken_twice(seen: Evidence) -> Iterator[Violation]:
    """No name is given to two tasks while the first lives or its tombstone stands."""
    for task, creates in seen.creates.items():
        queue = task.split("/", maxsplit=1)[0]
        made = sorted((call for call in creates if call.certainly_touched(task)), key=lambda call: call.end)
        for one, other in pairwise(made):
            if any(remake.end > one.begin and remake.begin < other.end for remake in seen.remakes(queue)):
                continue
            first, last = one.asked.at, other.ended_at
            shortest = min((each.tombstone_ttl for each in seen.limits(queue, first, last)), default=0.0)
            passed = seen.latest_wall(first, last) - seen.wall(first)
            if passed < shortest - HAIR - seen.slack:
                yield Violation("taken twice", task, f"{task} was created twice within {passed:.3f} s")


def refused_but_there(seen: Evidence) -> Iterator[Violation]:
    """A create that was refused leaves nothing."""
    shown = {task for call in seen.calls.values() if call.done and call.answer for task in call.answer.tasks}
    shown |= {delivery.request.task for delivery in seen.deliveries} | (seen.left or frozenset())
    for task, creates in seen.creates.items():
        if task in shown and not any(call.may_have_touched(task) for call in creates):
            yield Violation("refused but there", task, f"{task} was refused, and is there")
