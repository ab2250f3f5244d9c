"""The history: one log of what clients asked and were told, what handlers saw, and what was done to the server.

Whoever writes an entry knows only its own side. A call without an answer may have had its effect or not; an answer is
known from the moment it arrived. ``at`` is true time in seconds since the start of the run, which a wall clock need not
follow.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

NO_ANSWER = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "INTERNAL", "UNKNOWN"})
"""Codes after which nobody knows whether the call had its effect. Every other error says that it had none."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a queue is set to, in seconds and dispatches."""

    rate: float = 500.0
    burst: int = 100
    concurrency: int = 1000
    max_attempts: int = 100
    max_retry_duration: float = 0.0
    min_backoff: float = 0.1
    max_backoff: float = 3600.0
    max_doublings: int = 16
    tombstone_ttl: float = 3600.0


@dataclass(frozen=True, slots=True)
class Entry:
    at: float


@dataclass(frozen=True, slots=True)
class Called(Entry):
    """A client makes a call. ``tasks`` are those it names, each as ``QUEUE/TASK``.

    ``due`` is the schedule time it asks for, on the server's wall clock; ``limits`` what it wants a queue to be set
    to; ``session`` tells the pages of one list from those of another; ``span`` is how long it wants a lease to run.
    """

    call: int
    client: str
    method: str
    queue: str
    tasks: tuple[str, ...] = ()
    due: float = -math.inf
    limits: Limits | None = None
    session: int = 0
    span: float = 0.0


@dataclass(frozen=True, slots=True)
class Answered(Entry):
    """And hears of it. ``tasks`` are those in the answer: created, found, deleted, listed or leased.

    Of a redrive they are those that were made anew, in whatever queue. ``limits`` are those of a queue in the answer;
    ``attempt`` the number of the attempt that RunTask began; ``until`` the end of the leases given, on the server's
    wall clock; ``last`` says that a list ends here.
    """

    call: int
    code: str
    tasks: tuple[str, ...] = ()
    limits: Limits | None = None
    attempt: int = 0
    until: float = 0.0
    last: bool = False


@dataclass(frozen=True, slots=True)
class Requested(Entry):
    """A handler gets a request. ``attempt`` counts from 1; ``begun`` is when the server says that the attempt began,
    which is when it counts against the limits of its queue, and ``wall`` what its wall clock showed then.

    ``due`` is the schedule time that the request names, and ``factor`` the part of its rate that the queue has while it
    is throttled. Both are written by those alone who write exact histories. ``node`` is the life of the node that sent
    it, where there are several.
    """

    request: int
    queue: str
    task: str
    attempt: int
    begun: float
    wall: float
    due: float = -math.inf
    factor: float = 1.0
    node: int = 0


@dataclass(frozen=True, slots=True)
class Replied(Entry):
    """What the handler did with it: a status, or 0 when the sender had no answer by its deadline. ``retry_after`` is
    the wait in seconds that the answer asks for.
    """

    request: int
    status: int
    retry_after: float = 0.0


@dataclass(frozen=True, slots=True)
class Crashed(Entry):
    """The server is gone, with all that it had not committed; of several nodes the life of one, 0 for all."""

    node: int = 0


@dataclass(frozen=True, slots=True)
class Started(Entry):
    """The server is back."""


@dataclass(frozen=True, slots=True)
class ClockMoved(Entry):
    """The wall clock of the server was moved, forward or back."""

    by: float


@dataclass(frozen=True, slots=True)
class Note(Entry):
    """Something else that was done, for the story."""

    text: str


@dataclass(frozen=True, slots=True)
class Settled(Entry):
    """The end: every queue runs and nothing is due. ``left`` are the tasks that the store then holds, by queue;
    ``shelved`` those that lie on shelves, each as often as it lies there. None: nobody looked.
    """

    left: Mapping[str, frozenset[str]]
    shelved: tuple[str, ...] | None = None


@dataclass
class History:
    """What happened, in order. The server's wall clock shows 0 at the start."""

    entries: list[Entry] = field(default_factory=list)
    exact: bool = False
    """Nothing but the entries holds an attempt back, calls have their effect when they are made, the wall clock shows
    true time, and each request says when it was due: so it is also known when each attempt must begin.
    """
    slack: float = 0.0
    """Seconds by which the wall clocks of several nodes may differ: what answers of their store took."""
    throttling: bool = True
    """Whether queues slow down while their handlers ask for room or fail."""

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)


def story(history: History, about: str, *, most: int = 40) -> str:
    """What happened to one task, or to one queue, in a few lines that a person can follow."""
    lines = list(_lines(history, about))
    if len(lines) > most:
        lines = [*lines[: most // 2], f"  … {len(lines) - most} more …", *lines[len(lines) - most // 2 :]]
    return "\n".join([f"The story of {about}:", *lines])


def _lines(history: History, about: str) -> Iterable[str]:  # noqa: C901 - one branch a kind of entry
    calls: dict[int, str] = {}
    requests: dict[int, str] = {}
    for entry in history.entries:
        what: str | None = None
        match entry:
            case Called(call=call) if _concerns(entry, about):
                what = calls[call] = f"{entry.client}: {entry.method} of {_some(entry.tasks) or entry.queue}"
            case Answered(call=call) if call in calls:
                what = f"{calls[call]} - {entry.code} {_some(entry.tasks)}"
            case Requested(request=request) if about in {entry.task, entry.queue}:
                by = f" from node {entry.node}" if entry.node else ""
                what = requests[request] = f"attempt {entry.attempt} of {entry.task} arrives{by}"
            case Replied(request=request) if request in requests:
                what = f"{requests[request]} - {entry.status or 'no answer'}"
            case Crashed(node=node):
                what = f"the life of node {node} ends" if node else "the server crashes"
            case Started():
                what = "the server is back"
            case ClockMoved(by=by):
                what = f"the wall clock moves by {by:+.3f} s"
            case Note(text=text):
                what = text
            case Settled():
                what = "all is quiet"
        if what is not None:
            yield f"  {entry.at:10.3f}  {what.rstrip()}"


def _concerns(entry: Called, about: str) -> bool:
    """Whether a call was about a task or queue; what is done to a queue is done to its tasks."""
    return about == entry.queue or about in entry.tasks or (about.startswith(f"{entry.queue}/") and not entry.tasks)


def _some(tasks: tuple[str, ...]) -> str:
    return ", ".join(tasks[:3]) + (" …" if len(tasks) > 3 else "")
