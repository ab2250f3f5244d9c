"""Checks the guarantees against the attempts. Pure: takes the plan and the handler's notes, returns facts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median

from msgspec import Struct

from tidegate.cli.demo.handler import ArrivedAttempt
from tidegate.cli.demo.plan import OK, DemoQueue, DemoTask

WINDOW = 1.0  # seconds
BLUR = 0.05  # seconds by which the way to the handler may squeeze a window, beside what the handler itself was late
LATE = 0.25  # seconds over the formula at which a typical wait is no longer the formula's


class QueueFacts(Struct, frozen=True):
    """The results of a queue's tasks, and how much of its limits it used."""

    queue: DemoQueue
    tasks: int
    delivered: int
    given_up: int
    retries: int
    fastest: int  # most attempts in any second
    at_once: int  # most attempts under way together
    slowest: float  # seconds from first due to delivered

    @property
    def allowed(self) -> int:
        """Attempts that a full bucket and one second of its rate allow."""
        return int(self.queue.burst + self.queue.rate * WINDOW)


class WaitFacts(Struct, frozen=True):
    """The backoff after failure number ``failures``: as documented, and as measured, in seconds."""

    queue: DemoQueue
    failures: int
    formula: float
    measured: tuple[float, ...]


class PromiseCheck(Struct, frozen=True):
    """A guarantee, whether it held, and the evidence."""

    says: str
    kept: bool
    evidence: str


def queue_facts(queue: DemoQueue, tasks: Sequence[DemoTask], attempts: Sequence[ArrivedAttempt]) -> QueueFacts:
    """The facts of one queue, from its own tasks and attempts."""
    by_task = _by_task(attempts)
    delivered = {task for task, tries in by_task.items() if any(each.status == OK for each in tries)}
    given_up = {task for task, tries in by_task.items() if task not in delivered and len(tries) >= queue.max_attempts}
    return QueueFacts(
        queue,
        tasks=len(tasks),
        delivered=len(delivered),
        given_up=len(given_up),
        retries=sum(each.retries > 0 for each in attempts),
        fastest=most_within(WINDOW, [each.arrived for each in attempts]),
        at_once=most_at_once((each.arrived, each.answered) for each in attempts),
        slowest=max((by_task[task][-1].answered - by_task[task][0].due for task in delivered), default=0.0),
    )


def wait_facts(queue: DemoQueue, attempts: Sequence[ArrivedAttempt]) -> list[WaitFacts]:
    """From each failure's answer to the moment at which the next attempt was due, by how often the task had failed."""
    measured: dict[int, list[float]] = defaultdict(list)
    for tries in _by_task(attempts).values():
        for failed, following in pairwise(tries):
            measured[failed.retries + 1].append(following.due - failed.answered)
    return [
        WaitFacts(queue, failures, queue.wait(failures), tuple(sorted(waits)))
        for failures, waits in sorted(measured.items())
    ]


def promises(
    facts: Sequence[QueueFacts],
    waits: Sequence[WaitFacts],
    attempts: Sequence[ArrivedAttempt],
    *,
    accepted: int,
    left: int,
    lag: float,
) -> list[PromiseCheck]:
    """Each guarantee and whether it held.

    ``left`` tasks are still in the queues; ``lag`` seconds late we may have seen an attempt arrive.
    """
    delivered, given_up = sum(each.delivered for each in facts), sum(each.given_up for each in facts)
    ends = f"{accepted:,} in: {delivered:,} delivered, {given_up:,} given up, {left:,} left"
    again = _repeated(attempts)
    earliest = min((each.arrived - each.due for each in attempts), default=0.0)
    return [
        PromiseCheck("Nothing acknowledged is lost", delivered + given_up == accepted and left == 0, ends),
        PromiseCheck(
            "Each attempt is made once", again == 0, f"{len(attempts):,} attempts, {again or 'none'} of them twice"
        ),
        PromiseCheck("Never early", earliest >= 0, f"the promptest came {earliest * 1000:.1f} ms after its time"),
        PromiseCheck(
            "Rates are ceilings",
            all(each.fastest <= each.allowed + each.queue.rate * blur(lag) for each in facts),
            "fastest second: " + ", ".join(f"{each.fastest:,}/{each.allowed:,}" for each in facts),
        ),
        PromiseCheck(
            "So is how many run at once",
            all(each.at_once <= each.queue.at_once for each in facts),
            "at most: " + ", ".join(f"{each.at_once:,}/{each.queue.at_once:,}" for each in facts),
        ),
        PromiseCheck("Retries wait as documented", all(map(_as_documented, waits)), _waits(waits)),
    ]


def blur(lag: float) -> float:
    """Seconds by which the clocks of handler and server may differ in a second."""
    return BLUR + lag


def most_within(window: float, moments: Iterable[float]) -> int:
    """The most moments that any span of that length holds, its end not included."""
    ordered, most, first = sorted(moments), 0, 0
    for last, moment in enumerate(ordered):
        while moment - ordered[first] >= window:
            first += 1
        most = max(most, last - first + 1)
    return most


def most_at_once(spans: Iterable[tuple[float, float]]) -> int:
    """The most spans that overlap; one that begins as another ends does not."""
    changes = sorted(change for start, end in spans for change in ((start, 1), (end, -1)))
    most = now = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most


def _by_task(attempts: Sequence[ArrivedAttempt]) -> dict[str, list[ArrivedAttempt]]:
    """Each task's attempts in their order; of one that was made twice, the first."""
    by_task: dict[str, dict[int, ArrivedAttempt]] = defaultdict(dict)
    for attempt in sorted(attempts, key=lambda each: (each.retries, each.arrived)):
        by_task[attempt.task].setdefault(attempt.retries, attempt)
    return {task: list(tries.values()) for task, tries in by_task.items()}


def _repeated(attempts: Sequence[ArrivedAttempt]) -> int:
    """Attempts made again under the same number, or after the task had been delivered."""
    return len(attempts) - len({(each.queue, each.task, each.retries) for each in attempts})


def _as_documented(waits: WaitFacts) -> bool:
    return waits.measured[0] >= waits.formula and median(waits.measured) <= waits.formula + LATE


def _waits(waits: Sequence[WaitFacts]) -> str:
    over = sorted(wait - each.formula for each in waits for wait in each.measured)
    if not over:
        return "no task failed"
    counted = f"{len(over):,} wait{'s' if len(over) > 1 else ''}"
    return f"{counted}, {over[0] * 1000:.1f} to {over[-1] * 1000:.1f} ms over the formula"
