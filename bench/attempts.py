"""Tasks from disk to done while ended attempts are kept: the failed ones, of which there are 1 in 100, and all of them.

Three servers take turns, and the one that keeps none is the floor. All give failed tasks up at once, onto the shelf.
The turns are short and many: what else the machine does for some seconds falls on few of them.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial

from bench.dispatch import CONCURRENCY, drained
from bench.floor import create_message
from bench.handler import FAIL, Handler, handling
from bench.load import USUAL
from bench.plan import Plan
from bench.rows import Row, beside, by_turns
from bench.server import Server, running, scratch, serve
from bench.suite import alone
from bench.tasks import fill
from tidegate.schema import v2

NONE, FAILED, ALL = "none", "failed", "all"
FAILURES = 100
"""One task in so many fails."""


def measure(plan: Plan) -> Iterator[Row]:
    count, rounds = plan.pick(15_000, 8_000), plan.pick(3, 1) * plan.rounds
    with handling() as handler, contextlib.ExitStack() as stack:
        sides, servers = {}, {}
        for keep in (NONE, FAILED, ALL):
            folder = stack.enter_context(scratch())
            server = stack.enter_context(running([*serve(folder / "tidegate.db"), "--attempts", keep]))
            servers[keep] = server
            sides[keep] = partial(_dispatched(server, handler), count)
        found = by_turns(rounds, sides)
        for keep in (FAILED, ALL):
            yield _row(keep, found[keep], found[NONE])
        create = {keep: partial(_created, servers[keep], plan.seconds) for keep in (NONE, ALL)}
        spent = by_turns(plan.pick(11, plan.rounds), create)
        yield beside("attempts kept: all, create", "us of a core", spent[ALL], spent[NONE], NONE)


def _row(keep: str, figures: list[tuple[float, float]], floors: list[tuple[float, float]]) -> Row:
    pairs = list(zip(figures, floors, strict=True))
    return Row(
        f"attempts kept: {keep}",
        statistics.median(rate for rate, _ in figures),
        "tasks/s",
        statistics.median(rate for rate, _ in floors),
        NONE,
        statistics.median(one / none for (one, _), (none, _) in pairs),
        details={
            "by_processor_time": round(statistics.median(none / one for (_, one), (_, none) in pairs), 3),
            "microseconds_of_processor": round(statistics.median(used for _, used in figures) * 1e6, 1),
        },
    )


def _dispatched(server: Server, handler: Handler) -> Callable[[int], tuple[float, float]]:
    """Dispatches so many tasks: how many a second, and the seconds of processor time that each took."""
    made = 0

    def dispatched(count: int) -> tuple[float, float]:
        nonlocal made
        made += 1
        limits = {"max_dispatches_per_second": 1_000_000, "max_concurrent_dispatches": CONCURRENCY}
        queue = server.make_plain_queue(f"q{made}", rate_limits=limits, retry_config={"max_attempts": 1})
        server.call(v2.CloudTasks.pause_queue, name=queue)
        fill(server, [queue], count - count // FAILURES, handler.url)
        fill(server, [queue], count // FAILURES, handler.url + FAIL)
        before = server.process.cpu()
        took = drained(server, handler, [queue], count)
        return count / took, (server.process.cpu() - before) / count

    return dispatched


def _created(server: Server, seconds: float) -> float:
    """Microseconds of processor time that the server spends on a create."""
    message = create_message(server.make_queue(f"c{time.monotonic_ns()}", paused=True), 50)
    return server.load(v2.CloudTasks.create_task, message, seconds=seconds, shape=USUAL).cpu_us


if __name__ == "__main__":
    alone("attempts", measure)
