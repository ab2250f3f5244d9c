"""A task is in its queue, or on the shelf, or done: never in two places, never in none."""

from __future__ import annotations

from collections.abc import Iterator

from tests.invariants.evidence import Evidence
from tests.invariants.tasks import exhausted
from tests.invariants.violation import Violation


def unshelved(seen: Evidence) -> Iterator[Violation]:
    """A task that was given up lies on the shelf, unless it was driven into a queue again."""
    if seen.shelved is None or seen.left is None:
        return
    for task, creates in seen.creates.items():
        attempts = seen.of_task.get(task, [])
        if task in seen.left or task in seen.shelved or not any(call.certainly_touched(task) for call in creates):
            continue
        if not attempts or any(each.delivered for each in attempts) or any(True for _ in seen.removals(task)):
            continue
        if exhausted(seen, attempts) and not any(True for _ in seen.redriven(task)):
            yield Violation("unshelved", task, f"{task} was given up, and is not on the shelf")


def astray(seen: Evidence) -> Iterator[Violation]:
    """A task on the shelf is nowhere else."""
    if seen.shelved is None or seen.left is None:
        return
    for task, count in seen.shelved.items():
        lives = seen.lives(task)
        if count + (task in seen.left) > lives:
            yield Violation("astray", task, f"{task} lies on the shelf {count} times, and had {lives} lives")
        if lives == 1 and any(True for _ in seen.redriven(task)):
            yield Violation("astray", task, f"{task} was driven again, and still lies on the shelf")


def shelved_alive(seen: Evidence) -> Iterator[Violation]:
    """What lies on the shelf was tried, and its last attempt failed."""
    if seen.shelved is None or not seen.exact:
        return
    for task in seen.shelved:
        attempts = seen.of_task.get(task, [])
        if not attempts or attempts[-1].delivered:
            yield Violation("shelved alive", task, f"{task} lies on the shelf, and no attempt of it has failed last")
