"""The list of queues: filter, order and pages over what is known of all of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct

from tidegate.core.names import QueueName

FAILING_SHARE: Final = 0.2
"""Part of the attempts of a minute that fail in a queue that is called failing."""
BEHIND_AFTER: Final = timedelta(seconds=30)
"""How late the oldest due task is in a queue that is called behind."""
NEEDS_LOOK_MAX: Final = 6

STATES: Final = ("running", "paused", "disabled", "failing", "behind")


class QueueRow(Struct, frozen=True, gc=False):
    """A queue in numbers, of one moment. Rates are of the last minute."""

    name: QueueName
    state: str
    pull: bool
    depth: int
    due: int
    in_flight: int
    next_due: datetime | None
    late: timedelta
    succeeded: float
    failed: float
    throttle: float
    dead: int
    blocked_by: str

    @property
    def queue(self) -> str:
        return self.name.queue

    @property
    def project(self) -> str:
        return self.name.project

    @property
    def location(self) -> str:
        return self.name.location

    @property
    def failing(self) -> bool:
        return self.failed >= 1 and self.failed >= FAILING_SHARE * (self.failed + self.succeeded)

    @property
    def behind(self) -> bool:
        return self.state == "running" and not self.pull and self.late >= BEHIND_AFTER

    @property
    def held(self) -> bool:
        """Paused or disabled, with tasks in it."""
        return self.state != "running" and self.depth > 0

    def has(self, state: str) -> bool:
        """Whether it is one of those that ``state`` of ``STATES`` names."""
        if state == "failing":
            return self.failing
        return self.behind if state == "behind" else self.state == state


ORDERS: Final[dict[str, Callable[[QueueRow], Any]]] = {
    "name": lambda row: (row.queue, row.name),
    "place": lambda row: (row.project, row.location, row.queue),
    "tasks": lambda row: (-row.depth, row.name),
    "due": lambda row: (row.next_due is None, row.next_due.timestamp() if row.next_due else 0.0, row.name),
    "flight": lambda row: (-row.in_flight, row.name),
    "done": lambda row: (-row.succeeded, row.name),
    "failed": lambda row: (-row.failed, row.name),
}
"""Ways to order queues, by the name that the address has."""
DEFAULT_ORDER: Final = "tasks"


class Filter(Struct, frozen=True):
    """``mail project:shop location:europe`` taken apart: parts of names, all of which must be there."""

    words: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()

    @classmethod
    def read(cls, text: str) -> Filter:
        words, projects, locations = [], [], []
        for term in text.lower().split():
            field, colon, value = term.partition(":")
            if colon and field == "project":
                projects.append(value)
            elif colon and field == "location":
                locations.append(value)
            else:
                words.append(term)
        return cls(tuple(words), tuple(projects), tuple(locations))

    def takes(self, row: QueueRow) -> bool:
        return (
            all(word in row.queue.lower() or word in row.name.lower() for word in self.words)
            and all(part in row.project.lower() for part in self.projects)
            and all(part in row.location.lower() for part in self.locations)
        )


class PageOfQueues(Struct, frozen=True):
    """Some rows in order, the names after which and before which further ones come, and how many there are in all."""

    rows: Sequence[QueueRow]
    total: int
    previous: str | None
    next: str | None


def page_of(rows: Iterable[QueueRow], order: str, size: int, *, after: str = "", before: str = "") -> PageOfQueues:
    """The rows that follow the queue named ``after``, or come before the one named ``before``.

    A queue that has gone meanwhile, or has another place now, leads to the first page.
    """
    key = ORDERS.get(order, ORDERS[DEFAULT_ORDER])
    ordered = sorted(rows, key=key)
    start = 0
    places = {row.name: row for row in ordered} if after or before else {}
    if after in places:
        start = bisect_right(ordered, key(places[QueueName(after)]), key=key)
    elif before in places:
        start = max(bisect_left(ordered, key(places[QueueName(before)]), key=key) - size, 0)
    shown = ordered[start : start + size]
    more = start + size < len(ordered)
    return PageOfQueues(
        shown, len(ordered), shown[0].name if shown and start else None, shown[-1].name if shown and more else None
    )


def needing_look(rows: Iterable[QueueRow]) -> list[QueueRow]:
    """The queues in trouble, those that fail first, then those behind, then those held; the worst of each first."""

    def rank(row: QueueRow) -> tuple[int, float]:
        if row.failing:
            return 0, -row.failed
        return (1, -row.late.total_seconds()) if row.behind else (2, -row.depth)

    return sorted((row for row in rows if row.failing or row.behind or row.held), key=rank)[:NEEDS_LOOK_MAX]


class Listed(Struct, frozen=True):
    """What the list of queues shows of all rows: a page, counts by state, and those that need a look."""

    page: PageOfQueues
    found: int
    counts: dict[str, int]
    projects: int
    troubled: list[QueueRow]


def list_queues(
    rows: Sequence[QueueRow], text: str, state: str, order: str, size: int, *, after: str = "", before: str = ""
) -> Listed:
    """The rows that a filter and a state choose, in order."""
    chosen = Filter.read(text)
    found = [row for row in rows if chosen.takes(row)] if text else rows
    in_state = [row for row in found if row.has(state)] if state in STATES else found
    return Listed(
        page=page_of(in_state, order, size, after=after, before=before),
        found=len(found),
        counts={each: sum(row.has(each) for row in found) for each in STATES},
        projects=len({row.project for row in rows}),
        troubled=needing_look(rows),
    )
