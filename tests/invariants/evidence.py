"""What a history proves: which calls had their effect and when at the latest, what may have been in force, where the
wall clock stood.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from tests.invariants.history import (
    NO_ANSWER,
    Answered,
    Called,
    ClockMoved,
    Crashed,
    History,
    Limits,
    Replied,
    Requested,
    Settled,
    Started,
)

REDRIVE = "redrive_dead_tasks"
CREATES = frozenset({"create_task", "batch_create_tasks", REDRIVE})
REMOVALS = frozenset({"delete_task", "batch_delete_tasks", "acknowledge_task", "purge_queue", "delete_queue"})
OF_WHOLE_QUEUES = frozenset({"purge_queue", "delete_queue"})
SETTINGS = frozenset({"create_queue", "update_queue"})
CHANGES = SETTINGS | {"pause_queue", "resume_queue"}


@dataclass(slots=True)
class Call:
    """A call and what is known of it. Places are those in the log, which order what clients and handlers saw."""

    asked: Called
    begin: int
    answer: Answered | None = None
    end: float = math.inf
    """The place by which it had its effect, if it had one: that of the answer, else of the crash that ended it."""
    ended_at: float = math.inf

    @property
    def done(self) -> bool:
        """It is known to have had its effect."""
        return self.answer is not None and self.answer.code == "OK"

    @property
    def void(self) -> bool:
        """It is known to have had none."""
        return self.answer is not None and self.answer.code != "OK" and self.answer.code not in NO_ANSWER

    def may_have_touched(self, task: str) -> bool:
        """Whether it may have had its effect on one of the tasks it was about."""
        if self.void:
            return False
        if not self.done or self.asked.method in OF_WHOLE_QUEUES:
            return True
        assert self.answer is not None
        return task in self.answer.tasks

    def certainly_touched(self, task: str) -> bool:
        return self.done and self.may_have_touched(task)


@dataclass(slots=True)
class Delivery:
    """A request and what came of it."""

    request: Requested
    place: int
    reply: Replied | None = None
    replied: float = math.inf
    """The place of the reply."""
    forced: bool = False
    """RunTask made it, or may have."""

    @property
    def delivered(self) -> bool:
        return self.reply is not None and 200 <= self.reply.status <= 299


class Evidence:
    """A history, read once and looked up by task and by queue."""

    def __init__(self, history: History) -> None:
        self.calls: dict[int, Call] = {}
        self.deliveries: list[Delivery] = []
        self.crashes: list[int] = []
        self.ends: dict[int, int] = {}
        """Where the lives of single nodes ended."""
        self.crashed_at: list[float] = []
        self.started_at: list[float] = []
        self.exact = history.exact
        self.throttling = history.throttling
        self.slack = history.slack
        self.left: frozenset[str] | None = None
        self.shelved: Counter[str] | None = None
        self._clock: list[tuple[float, float]] = [(0.0, 0.0)]
        self._read(history)
        self.creates: defaultdict[str, list[Call]] = defaultdict(list)
        self._removals: defaultdict[str, list[Call]] = defaultdict(list)
        self.of_queue: defaultdict[str, list[Call]] = defaultdict(list)
        self.of_task: defaultdict[str, list[Delivery]] = defaultdict(list)
        self.runs: defaultdict[str, list[Call]] = defaultdict(list)
        self._index()
        self._settings = {queue: self._timeline(calls) for queue, calls in self.of_queue.items()}

    def _read(self, history: History) -> None:  # noqa: C901 - one branch a kind of entry
        requests: dict[int, Delivery] = {}
        open_calls: set[int] = set()
        for place, entry in enumerate(history.entries):
            match entry:
                case Called():
                    self.calls[entry.call] = Call(entry, place)
                    open_calls.add(entry.call)
                case Answered():
                    call = self.calls[entry.call]
                    call.answer = entry
                    if entry.code not in NO_ANSWER:
                        call.end, call.ended_at = place, entry.at
                        open_calls.discard(entry.call)
                case Requested():
                    requests[entry.request] = delivery = Delivery(entry, place)
                    self.deliveries.append(delivery)
                case Replied():
                    requests[entry.request].reply = entry
                    requests[entry.request].replied = place
                case Crashed(node=node) if node:
                    self.ends.setdefault(node, place)
                case Crashed():
                    self.crashes.append(place)
                    self.crashed_at.append(entry.at)
                    for number in open_calls:
                        self.calls[number].end, self.calls[number].ended_at = place, entry.at
                    open_calls.clear()
                case Started():
                    self.started_at.append(entry.at)
                case ClockMoved():
                    self._clock.append((entry.at, self._clock[-1][1] + entry.by))
                case Settled():
                    self.left = frozenset().union(*entry.left.values())
                    self.shelved = None if entry.shelved is None else Counter(entry.shelved)

    def _index(self) -> None:
        for call in self.calls.values():
            asked = call.asked
            self.of_queue[asked.queue].append(call)
            for task in asked.tasks:
                if asked.method in CREATES:
                    self.creates[task].append(call)
                elif asked.method in REMOVALS:
                    self._removals[task].append(call)
                elif asked.method == "run_task":
                    self.runs[task].append(call)
            if asked.method in CREATES and call.answer is not None:
                for task in call.answer.tasks:
                    if task not in asked.tasks:  # the server named it
                        self.creates[task].append(call)
        for delivery in self.deliveries:
            request = delivery.request
            self.of_task[request.task].append(delivery)
            delivery.forced = any(
                run.answer.attempt == request.attempt if run.done and run.answer else run.begin < delivery.place
                for run in self.runs.get(request.task, ())
                if not run.void
            )

    def removals(self, task: str) -> Iterator[Call]:
        """Calls that may have removed the task."""
        for call in self._removals.get(task, ()):
            if call.may_have_touched(task):
                yield call
        for call in self.of_queue.get(task.split("/", maxsplit=1)[0], ()):
            if call.asked.method in OF_WHOLE_QUEUES and not call.void:
                yield call

    def remakes(self, queue: str) -> Iterator[Call]:
        """Calls that may have removed the queue, and with it the names and the bucket it knew."""
        return (call for call in self.of_queue.get(queue, ()) if call.asked.method == "delete_queue" and not call.void)

    def changes(self, queue: str) -> list[Call]:
        """Calls that changed the settings or the state of the queue, in order."""
        return [call for call in self.of_queue.get(queue, ()) if call.done and call.asked.method in CHANGES]

    def redriven(self, task: str) -> Iterator[Call]:
        """Redrives that made the task anew, in whatever queue."""
        queue, task_id = task.split("/", maxsplit=1)
        for call in self.of_queue.get(queue, ()):
            if call.asked.method != REDRIVE or not call.done or call.answer is None:
                continue
            if any(each.split("/", maxsplit=1)[1] == task_id for each in call.answer.tasks):
                yield call

    def lives(self, task: str) -> int:
        """How many tasks of that name there may have been."""
        return sum(call.may_have_touched(task) for call in self.creates.get(task, []))

    def crashed_between(self, one: Delivery, other: Delivery) -> bool:
        """Whether who had begun one attempt was gone before another began."""
        return one.place < self.end_of(one) < other.place

    def end_of(self, delivery: Delivery) -> float:
        """Where the life ended in which an attempt was begun."""
        crash = next((crash for crash in self.crashes if crash > delivery.place), math.inf)
        return min(crash, self.ends.get(delivery.request.node, math.inf))

    def forgotten(self, one: Delivery, other: Delivery) -> bool:
        """Whether a crash may have lost the end of one attempt before another began."""
        if not self.exact or one.reply is None:
            return self.crashed_between(one, other)
        # What ends in the very moment of a crash may be recorded or not; what ended earlier is.
        return any(one.request.at <= at <= one.reply.at for at in self.crashed_at)

    def overtaken(self, one: Delivery, other: Delivery) -> bool:
        """Whether RunTask began ``one`` on another node after ``other`` was begun, and its request was there first: the
        store told the nodes of their attempts in another order than it had made them.
        """
        first, second = one.request, other.request
        return one.forced and first.node != second.node and second.attempt < first.attempt

    def wall(self, at: float) -> float:
        """What the server's wall clock shows at a true time."""
        return at + self._clock[bisect_right(self._clock, at, key=lambda move: move[0]) - 1][1]

    def latest_wall(self, start: float, end: float) -> float:
        """The latest time that the wall clock showed between two true times."""
        before_moves = [
            at + offset
            for (at, _), (_, offset) in zip(self._clock[1:], self._clock[:-1], strict=True)
            if start <= at <= end
        ]
        after_moves = [at + offset for at, offset in self._clock[1:] if start <= at <= end]
        return max([self.wall(start), self.wall(end), *before_moves, *after_moves])

    def moved_forward(self, start: float, end: float) -> float:
        """Seconds by which the clock was moved forward between two true times."""
        moves = zip(self._clock[1:], self._clock[:-1], strict=True)
        return sum(max(0.0, new - old) for (at, new), (_, old) in moves if start < at <= end)

    def moved_back(self, start: float, end: float) -> bool:
        moves = zip(self._clock[1:], self._clock[:-1], strict=True)
        return any(new < old for (at, new), (_, old) in moves if start <= at <= end)

    def limits(self, queue: str, start: float, end: float) -> list[Limits]:
        """All that the queue may have been set to at some moment between two true times."""
        return [limits for since, until, limits in self._settings.get(queue, ()) if since <= end and start <= until]

    def _timeline(self, calls: list[Call]) -> list[tuple[float, float, Limits]]:
        changes = [call for call in calls if call.asked.method in SETTINGS and not call.void]
        timeline = []
        for call in changes:
            told = call.answer.limits if call.done and call.answer else call.asked.limits
            if told is None:
                continue
            over = min((other.ended_at for other in changes if other.done and other.begin > call.end), default=math.inf)
            timeline.append((call.asked.at, over, told))
        return timeline
