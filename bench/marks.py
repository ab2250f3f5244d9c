"""The marks a release is held to, by row. Rates are marked by their floor, for machines differ.

``EMPTY`` and ``BARE`` are the floors of the machine on which the marks were set: two cores, Python 3.11.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from bench.rows import Row, number

EMPTY = 50_000
"""Calls/s of an empty handler, 4 connections x 32 streams."""
BARE = 28_000
"""Requests/s of bare pyreqwest against nginx, 256 at once."""
BOTH = 1 / (1 / EMPTY + 1 / BARE)
"""Tasks/s of one empty call and one bare request each."""


@dataclass(frozen=True)
class Mark:
    """Bounds of a row's figure, or of its ratio to the floor."""

    least: float = -inf
    most: float = inf
    by_floor: bool = False

    def holds(self, row: Row) -> bool:
        value = row.ratio if self.by_floor else row.figure
        return value is not None and not row.errors and self.least <= value <= self.most

    def __str__(self) -> str:
        if self.most == inf:
            return f">= {number(self.least)}"
        if self.least == -inf:
            return f"<= {number(self.most)}"
        return f"{number(self.least)} .. {number(self.most)}"


def rate(least: float, floor: float) -> Mark:
    """At least ``least`` where the floor is ``floor``, and in that ratio elsewhere."""
    return Mark(least=least / floor, by_floor=True)


def at_most(most: float) -> Mark:
    return Mark(most=most)


MARKS = {
    "create 4 x 32, 50 B": rate(28_000, EMPTY),
    "batch of 100 x 100 B": rate(120_000, EMPTY),
    "dispatch from 1 queue": rate(18_000, BARE),
    "dispatch from 100 queues": rate(18_000, BARE),
    "dispatch from 20 queues at 500/s each": Mark(9_500, 10_500),
    "scrape of 10,000 queues": at_most(200),
    "traces of 1 %: create": Mark(most=1.05, by_floor=True),
    "traces of 1 %: create and dispatch": Mark(most=1.05, by_floor=True),
    "attempts kept: failed": Mark(least=0.97, by_floor=True),
    "attempts kept: all": Mark(least=0.75, by_floor=True),
    "attempts kept: all, create": Mark(most=1.05, by_floor=True),
    "watchers not reading, 50: create": Mark(most=1.05, by_floor=True),
    "watchers idle, 50: create": Mark(most=1.05, by_floor=True),
    "shelf of 10,000, and series of 1,000 queues, resident": at_most(60),
    "live create and dispatch at once": rate(10_000, BOTH),
    "lateness at 1,000/s, earliest": Mark(least=0),  # never early
    "lease 100 by 16 workers, 1,000 waiting": rate(20_000, EMPTY),
    "lease 100 by 16 workers, 1,000,000 waiting": rate(20_000, EMPTY),
    "lease with 1,000,000 waiting by 1,000": Mark(least=0.95, by_floor=True),  # no slower, as far as can be told
    "postgres create 4 x 32, 50 B": Mark(least=0.5, by_floor=True),
    "postgres batch of 100 x 100 B": Mark(least=12_000),
    "postgres dispatch from 1 queue": Mark(least=0.5, by_floor=True),
    "postgres dispatch from 100 queues": Mark(least=0.45, by_floor=True),
    "postgres live create and dispatch at once": Mark(least=0.5, by_floor=True),
    "postgres backlog of 1,000,000, resident": at_most(200),
    "postgres backlog of 1,000,000, resident after start": at_most(200),
    "postgres backlog of 1,000,000, first dispatch": at_most(2),
    "postgres backlog of 1,000,000, list page of 100": at_most(5),
    "postgres backlog of 1,000,000, list page of 100 at the middle": at_most(5),
    "postgres backlog of 1,000,000, list page of 100 at the end": at_most(5),
    "postgres live under a snapshot held for 600 s": Mark(least=0.8, by_floor=True),
    "nodes kill -9 of one, longest silence of a queue": at_most(1),
    "nodes kill -9 of one, its attempts again after": at_most(12),
    "nodes back after the database is": at_most(2),
    "backlog of 1,000,000, resident": at_most(200),
    "backlog of 1,000,000, resident after start": at_most(200),
    "backlog of 1,000,000, first dispatch": at_most(2),
    "backlog of 1,000,000, list page of 100": at_most(5),
    "backlog of 1,000,000, list page of 100 at the middle": at_most(5),
    "backlog of 1,000,000, list page of 100 at the end": at_most(5),
    "backlog of 1,000,000, purge": at_most(100),
    "backlog of 1,000,000, create 4 x 32": Mark(least=0.8, by_floor=True),
    "console 1,000,000 tasks, first page": at_most(200),
    "console 1,000,000 tasks, Next at the middle": at_most(200),
    "console 1,000,000 tasks, Next at the end": at_most(200),
    "console 1,000,000 tasks, by the beginning of an ID": at_most(200),
    "console 10,000 queues, list": at_most(300),
    "console 10,000 queues, filter": at_most(300),
    "console 10,000 queues, by name": at_most(300),
    "console 10,000 queues, Next": at_most(300),
    "console nobody looking, create": Mark(least=0.99, by_floor=True),
    "console nobody looking, dispatch": Mark(least=0.99, by_floor=True),
    "console ten tabs, create": Mark(least=0.95, by_floor=True),
    "console ten tabs, dispatch": Mark(least=0.95, by_floor=True),
    "idle with 10,000 queues": at_most(2),
    "idle with 10,000 queues, 10 tasks/s": at_most(2),
}
