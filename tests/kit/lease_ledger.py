"""Who held which task of a pull queue, and when.

The times of a lease are the server's own: it ends at the task's schedule time and began its duration before that.
Client and server run on one machine, so the test's wall clock is the server's.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from tests.endtoend.client import micros
from tests.endtoend.dispatch_rules import SECOND
from tests.kit.told import Told


@dataclass
class Hold:
    """A lease as its worker knows it. Microseconds since 1970."""

    task: str
    count: int
    """How often the task had been leased, this lease included."""
    begin: int
    end: int
    fate: str = "abandoned"
    acknowledged_at: int | None = None

    @property
    def schedule_time(self) -> str:
        seconds, rest = divmod(self.end, SECOND)
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:06}Z"


@dataclass
class LeaseLedger:
    """Threads add to it; the checks read it when they are done."""

    told: Told = field(default_factory=Told)
    holds: dict[str, list[Hold]] = field(default_factory=lambda: defaultdict(list))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def created(self, task: str) -> None:
        with self.lock:
            self.told.created.add(task)

    def left(self) -> int:
        """How many tasks are not yet acknowledged."""
        with self.lock:
            return len(self.told.created - self.told.removed)

    def held(self, task: Any, seconds: int) -> Hold:
        end = micros(task["schedule_time"])
        count = task["status"]["attempt_dispatch_count"]
        hold = Hold(task["name"], count, end - seconds * SECOND, end)
        with self.lock:
            self.holds[hold.task].append(hold)
        return hold

    def finished(self, hold: Hold) -> None:
        with self.lock:
            self.told.removed.add(hold.task)

    def shared(self) -> list[tuple[Hold, Hold]]:
        """Leases of one task that overlap: there must be none."""
        found = []
        for holds in self.holds.values():
            ordered = sorted(holds, key=lambda hold: hold.begin)
            found += [(one, other) for one, other in pairwise(ordered) if other.begin < one.end]
        return found

    def miscounted(self) -> list[list[Hold]]:
        """Tasks whose leases were not counted up, one by one and more only where a killed server's answer was lost."""
        counts = {
            task: [hold.count for hold in sorted(holds, key=lambda hold: hold.begin)]
            for task, holds in self.holds.items()
        }
        return [self.holds[task] for task, said in counts.items() if said != sorted(set(said))]

    def leased_after_the_end(self) -> list[Hold]:
        """Leases of tasks that had been acknowledged before."""
        return [
            later
            for holds in self.holds.values()
            for first in holds
            for later in holds
            if first.acknowledged_at is not None and later.begin > first.acknowledged_at
        ]

    def fates(self) -> dict[str, int]:
        """How often each thing happened to a lease."""
        counted: dict[str, int] = defaultdict(int)
        for holds in self.holds.values():
            for hold in holds:
                counted[hold.fate] += 1
        return dict(sorted(counted.items()))
