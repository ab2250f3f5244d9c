"""The promises, read off a history: each check yields what contradicts one of them.

A check says nothing where the history leaves a doubt: a call without an answer may have had its effect or not, a change
takes effect somewhere between call and answer.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from tests.promises.evidence import Call, Delivery, Evidence
from tests.promises.history import History, Limits, story

HAIR = 1e-5
"""Seconds: times are cut to microseconds on their way."""


@dataclass(frozen=True)
class Violation:
    """A broken promise. ``about`` is the task or queue it was broken to."""

    promise: str
    about: str
    text: str

    def __str__(self) -> str:
        return f"{self.promise}: {self.text}"


Check = Callable[[Evidence], Iterator[Violation]]


def violations(history: History) -> list[Violation]:
    """Every promise that a history shows broken, and by what."""
    evidence = Evidence(history)
    return [violation for check in CHECKS for violation in check(evidence)]


def check(history: History) -> None:
    """Raise AssertionError, with the story of it, for the first broken promise."""
    found = violations(history)
    if found:
        more = f"\n({len(found) - 1} more)" if len(found) > 1 else ""
        raise AssertionError(f"{found[0]}\n{story(history, found[0].about)}{more}")


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
        if attempts and _exhausted(seen, attempts):
            continue
        tried = f"its {len(attempts)} attempts failed" if attempts else "it was never dispatched"
        yield Violation("lost", task, f"{task} was acknowledged, is nowhere now, and {tried}")


def _acknowledged(seen: Evidence, task: str, call: Call) -> bool:
    """Its creator was told so; or was told, after no answer, that the task is there already and nobody else made it."""
    if call.surely_touched(task):
        return True
    if call.void or call.done:
        return False
    creates = seen.creates.get(task, [])
    taken = any(c.answer and c.answer.code == "ALREADY_EXISTS" and c.begin > call.begin for c in creates)
    return taken and sum(not c.void for c in creates) == 1


def _exhausted(seen: Evidence, attempts: list[Delivery]) -> bool:
    first, last = attempts[0], attempts[-1]
    if last.reply is None:
        return False
    passed = seen.latest_wall(first.request.begun, last.reply.at) - first.request.wall + HAIR
    in_force = seen.limits(last.request.queue, last.reply.at, math.inf)
    return any(_gives_up(last.request.attempt, passed, limits) for limits in in_force)


def _gives_up(attempts: int, passed: float, limits: Limits) -> bool:
    long_enough = passed >= limits.max_retry_duration
    if limits.max_attempts < 0:
        return limits.max_retry_duration > 0 and long_enough
    return attempts >= limits.max_attempts and long_enough


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
            if not removal.surely_touched(task) or not all(each.void or each.end < removal.begin for each in creates):
                continue
            for place, begun, at, what in sightings[task]:
                if place > removal.end and begun > removal.ended_at:
                    how = f"{removal.asked.method}, answered at {removal.ended_at:.3f}"
                    yield Violation("returned", task, f"{task}: {what} at {at:.3f}, after {how}")


def taken_twice(seen: Evidence) -> Iterator[Violation]:
    """No name is given to two tasks while the first lives or its tombstone stands."""
    for task, creates in seen.creates.items():
        queue = task.split("/", maxsplit=1)[0]
        made = sorted((call for call in creates if call.surely_touched(task)), key=lambda call: call.end)
        for one, other in pairwise(made):
            if any(remake.end > one.begin and remake.begin < other.end for remake in seen.remakes(queue)):
                continue
            first, last = one.asked.at, other.ended_at
            shortest = min((each.tombstone_ttl for each in seen.limits(queue, first, last)), default=0.0)
            passed = seen.latest_wall(first, last) - seen.wall(first)
            if passed < shortest - HAIR:
                yield Violation("taken twice", task, f"{task} was created twice within {passed:.3f} s")


def refused_but_there(seen: Evidence) -> Iterator[Violation]:
    """A create that was refused leaves nothing."""
    shown = {task for call in seen.calls.values() if call.done and call.answer for task in call.answer.tasks}
    shown |= {delivery.request.task for delivery in seen.deliveries} | (seen.left or frozenset())
    for task, creates in seen.creates.items():
        if task in shown and not any(call.may_have_touched(task) for call in creates):
            yield Violation("refused but there", task, f"{task} was refused, and is there")


def too_fast(seen: Evidence) -> Iterator[Violation]:
    """No window of time sees more attempts than burst and rate allow."""
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
            most = seen.limits(queue, at, at)
            if not most:
                yield Violation("unknown queue", queue, f"{each.request.task} is dispatched from no queue")
                continue
            if level < math.inf:
                fastest = max(limits.rate for limits in seen.limits(queue, since, at))
                level += fastest * (at - since + seen.moved_forward(since, at))
            level = min(level, max(limits.burst for limits in most)) - 1
            since = at
            if level < -1e-3:
                text = (
                    f"{queue}: attempt {each.request.attempt} of {each.request.task} is {-level:.2f} tokens too early"
                )
                yield Violation("too fast", queue, text)
                level = 0.0


def too_many(seen: Evidence) -> Iterator[Violation]:
    """No more attempts are under way than the queue allows, but for those that RunTask adds."""
    changes: list[tuple[float, int, Delivery]] = []
    for delivery in seen.deliveries:
        crash = next((crash for crash in seen.crashes if crash > delivery.place), math.inf)
        changes.append((delivery.place, 1, delivery))
        changes.append((min(delivery.replied, crash), -1, delivery))
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


def early(seen: Evidence) -> Iterator[Violation]:
    """No attempt begins before its task is due, nor a retry before its backoff has passed."""
    for task, deliveries in seen.of_task.items():
        dues = [call.asked.due for call in seen.creates.get(task, []) if call.may_have_touched(task)]
        for each in deliveries:
            if each.request.wall > seen.latest_wall(each.request.begun, each.request.at) + HAIR:
                yield Violation("early", task, f"{task}: attempt {each.request.attempt} began, it says, in the future")
        first = deliveries[0]
        if not first.forced and dues and first.request.wall < min(dues) - HAIR:
            ahead = min(dues) - first.request.wall
            yield Violation("early", task, f"{task} was dispatched {ahead:.6f} s before it was due")
        if _lives(seen, task) > 1:
            continue
        for one, other in pairwise(deliveries):
            if other.forced or one.reply is None or seen.crashed_between(one.place, other.place):
                continue
            if one.replied > other.place or one.delivered:
                continue  # for others to judge
            in_force = seen.limits(one.request.queue, one.reply.at, other.request.at)
            waits = [_backoff(one.request.attempt, limits) for limits in in_force]
            passed = other.request.wall - seen.wall(one.reply.at)
            if waits and passed < min(waits) - HAIR:
                text = (
                    f"{task}: attempt {other.request.attempt} came {passed:.6f} s after a failure, not {min(waits)} s"
                )
                yield Violation("backoff", task, text)


def _backoff(failures: int, limits: Limits) -> float:
    doublings = min(failures - 1, limits.max_doublings)
    return min(limits.max_backoff, limits.min_backoff * 2.0 ** min(doublings, 60) * (failures - doublings))


def _lives(seen: Evidence, task: str) -> int:
    return sum(call.may_have_touched(task) for call in seen.creates.get(task, []))


def repeated(seen: Evidence) -> Iterator[Violation]:
    """An attempt follows another only when that has failed, or the server crashed; no number is used twice."""
    for task, deliveries in seen.of_task.items():
        if _lives(seen, task) > 1:
            continue
        for one, other in pairwise(deliveries):
            first, second = one.request.attempt, other.request.attempt
            if second <= first and not (one.forced or other.forced):
                yield Violation("number", task, f"{task}: attempt {second} starts after attempt {first}")
            if other.forced or seen.crashed_between(one.place, other.place):
                continue
            if one.replied > other.place:
                yield Violation("overlap", task, f"{task}: attempt {second} starts while {first} is under way")
            elif one.delivered:
                yield Violation("repeated", task, f"{task}: attempt {second} starts although {first} was answered 200")


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
                if request.queue == queue and pause.ended_at < request.begun < until and not delivery.forced:
                    text = f"{request.task} was dispatched at {request.begun:.3f}, paused since {pause.ended_at:.3f}"
                    yield Violation("paused", request.task, text)


def unlisted(seen: Evidence) -> Iterator[Violation]:
    """A list shows every task once that is there all the while, and none twice; GetTask finds it."""
    lists: defaultdict[int, list[Call]] = defaultdict(list)
    for call in seen.calls.values():
        if call.asked.method == "list_tasks" and call.done:
            lists[call.asked.session].append(call)
        elif call.asked.method == "get_task" and call.answer and call.answer.code == "NOT_FOUND":
            (task,) = call.asked.tasks
            if _stable(seen, task, call.begin, call.end):
                yield Violation("unlisted", task, f"{task} was there, but GetTask did not find it")
    for pages in lists.values():
        yield from _of_one_list(seen, pages)


def _of_one_list(seen: Evidence, pages: list[Call]) -> Iterator[Violation]:
    counts = Counter(task for page in pages if page.answer for task in page.answer.tasks)
    for task, count in counts.items():
        if count > 1 and _lives(seen, task) == 1:
            yield Violation("listed twice", task, f"{task} was on the pages of one list {count} times")
    last = pages[-1]
    if last.answer is None or not last.answer.last:
        return
    for task in seen.creates:
        missing = task not in counts and task.startswith(f"{last.asked.queue}/")
        if missing and _stable(seen, task, pages[0].begin, last.end):
            yield Violation("unlisted", task, f"{task} was there all the while, but no page showed it")


def _stable(seen: Evidence, task: str, begin: float, end: float) -> bool:
    """Whether the task was there for certain from one place to another."""
    if not any(call.surely_touched(task) and call.end < begin for call in seen.creates.get(task, [])):
        return False
    if any(delivery.place < end for delivery in seen.of_task.get(task, [])):
        return False
    return not any(removal.begin < end for removal in seen.removals(task))


def shared(seen: Evidence) -> Iterator[Violation]:
    """No two workers hold a task at the same time."""
    holds: defaultdict[str, list[tuple[float, float, Call]]] = defaultdict(list)
    freed: defaultdict[str, list[Call]] = defaultdict(list)
    for call in seen.calls.values():
        if call.done and call.answer and call.asked.method in {"lease_tasks", "renew_lease"}:
            for task in call.answer.tasks:
                holds[task].append((call.answer.until - call.asked.span, call.answer.until, call))
        elif call.asked.method in {"cancel_lease", "renew_lease"} and not call.void:  # perhaps for a shorter time
            freed[call.asked.tasks[0]].append(call)
    for task, held in holds.items():
        held.sort(key=lambda each: each[0])
        for (_, until, one), (begun, _, other) in pairwise(held):
            same = one.asked.client == other.asked.client and other.asked.method == "renew_lease"
            since, last = min(one.begin, other.begin), max(one.end, other.end)
            given_back = any(call.end > since and call.begin < last for call in freed[task])
            moved_back = seen.moved_back(min(one.asked.at, other.asked.at), max(one.ended_at, other.ended_at))
            doubtful = given_back or moved_back or _lives(seen, task) > 1
            if begun < until - HAIR and not same and not doubtful:
                text = f"{task}: {other.asked.client} got it while {one.asked.client} held it"
                yield Violation("shared", task, text)


CHECKS: tuple[Check, ...] = (
    lost,
    returned,
    taken_twice,
    refused_but_there,
    too_fast,
    too_many,
    early,
    repeated,
    paused,
    unlisted,
    shared,
)
