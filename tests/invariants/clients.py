"""What clients are shown: lists that are whole, leases that are nobody else's."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise

from tests.invariants.evidence import Call, Evidence
from tests.invariants.violation import HAIR, Violation


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
        if count > 1 and seen.lives(task) == 1:
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
    if not any(call.certainly_touched(task) and call.end < begin for call in seen.creates.get(task, [])):
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
            doubtful = given_back or moved_back or seen.lives(task) > 1
            if begun < until - HAIR and not same and not doubtful:
                text = f"{task}: {other.asked.client} got it while {one.asked.client} held it"
                yield Violation("shared", task, text)
