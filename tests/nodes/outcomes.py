"""What became of a story, in figures."""

from __future__ import annotations

from itertools import pairwise

from tests.invariants.history import History, Replied, Requested


def gap(history: History, since: float) -> float:
    """The longest time after a moment in which no attempt arrived."""
    times = [entry.at for entry in history.entries if isinstance(entry, Requested)]
    after = [since, *(at for at in times if at > since)]
    return max((b - a for a, b in pairwise(after)), default=0.0)


def twice(history: History) -> int:
    """Attempts after one that was answered 200."""
    done: dict[str, int] = {}
    answered: set[int] = {
        entry.request for entry in history.entries if isinstance(entry, Replied) and entry.status == 200
    }
    for entry in history.entries:
        if isinstance(entry, Requested) and entry.request in answered:
            done[entry.task] = done.get(entry.task, 0) + 1
    return sum(count - 1 for count in done.values())
