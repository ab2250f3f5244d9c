"""Three nodes on one PostgreSQL, with tasks created and dispatched all along: one is killed, and then their database.

Seconds count from ``kill -9``, and from the moment when the database takes connections again. A node and a database are
this machine's own, three relays between them; the callers are threads of one process, some hundred calls a second.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from tests.endtoend.handler import Arrival
from tests.invariants.history import Answered
from tests.kit.postgres_server import postgres_server
from tests.nodes.trio import Trio, trio

from bench.plan import Plan
from bench.rows import Row
from bench.server import scratch
from bench.suite import alone

THREADS = 6
SECONDS = 2.0
"""How long there is load before the first trouble, and after the last."""
DEAD_FOR = 14.0
"""Seconds between the two troubles: longer than it takes until the attempts of a dead node are made again."""
AWAY = 1.0
"""Seconds for which there is no database."""
SCRIPT = "200~200"
"""Handlers take a while, so that a node that is killed has attempts under way."""


class Troubles(NamedTuple):
    """When each of them happened, in monotonic seconds."""

    killed: float
    without: float
    """The database is killed."""
    back: float


def measure(plan: Plan) -> Iterator[Row]:
    silent, again, back = [], [], []
    for _ in range(plan.pick(3, 1)):
        with postgres_server() as database, scratch() as folder, trio(folder, database, database.url) as three:
            at = _live_through(three)
            three.check()  # figures of a run that broke a promise are worth nothing
            arrivals = [each for some in three.handler.all_arrivals().values() for each in some]
            silent.append(_silence(arrivals, three.callers.queues, at))
            again.append(_again(three, at))
            back.append(_back(three, arrivals, at))
    yield Row("nodes kill -9 of one, longest silence of a queue", max(silent), "s", details=_all(silent))
    yield Row("nodes kill -9 of one, its attempts again after", max(again), "s", details=_all(again))
    yield Row("nodes back after the database is", max(back), "s", details=_all(back))


def _live_through(three: Trio) -> Troubles:
    times: list[float] = []
    three.callers.scripts = [SCRIPT]

    def meanwhile() -> None:
        times.append(time.monotonic())
        three.kill(three.nodes[1])
        time.sleep(DEAD_FOR)
        times.append(time.monotonic())
        three.note("the database is killed")
        three.database.kill()
        time.sleep(AWAY)
        three.database.start()
        times.append(time.monotonic())

    three.callers.work(THREADS, SECONDS, meanwhile)
    return Troubles(*times)


def _silence(arrivals: list[Arrival], queues: list[str], at: Troubles) -> float:
    """The longest time between two attempts of any one queue while one node is dead and the database is there."""

    def longest(queue: str) -> float:
        times = sorted(each.at for each in arrivals if each.queue == queue and at.killed < each.at < at.without)
        return max(b - a for a, b in pairwise([at.killed, *times, at.without]))

    return max(longest(queue) for queue in queues)


def _again(three: Trio, at: Troubles) -> float:
    """How long it took until the last attempt that the killed node had under way was made again."""
    later = [
        other.at - at.killed
        for attempts in three.handler.all_arrivals().values()
        for one, other in pairwise(sorted(attempts, key=lambda each: each.at))
        if one.at <= at.killed < other.at < at.without
    ]
    if not later:
        raise RuntimeError("the killed node had nothing under way")
    return max(later)


def _back(three: Trio, arrivals: list[Arrival], at: Troubles) -> float:
    """How long after the database a call was answered and a new attempt was made, the later of both."""
    answered = min(
        entry.at
        for entry in three.callers.entries
        if isinstance(entry, Answered) and entry.code == "OK" and entry.at > at.back
    )
    arrived = min(each.at for each in arrivals if each.at > at.back)
    return max(answered, arrived) - at.back


def _all(figures: list[float]) -> dict[str, float | str]:
    return {f"round {number}": round(figure, 3) for number, figure in enumerate(figures, 1)}


if __name__ == "__main__":
    alone("nodes", measure)
