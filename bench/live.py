"""Tasks created and dispatched at once: from the first CreateTask until the last task is done.

A task costs at least an empty call and a request of bare pyreqwest: the floor is what one after the other would allow.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

from bench.dispatch import CONCURRENCY, WITHIN
from bench.floor import create_message, empty_handler
from bench.handler import Handler, handling
from bench.plan import Plan
from bench.rows import Row, beside, by_turns
from bench.sending import BARE, requests_per_second
from bench.server import Server, fresh
from bench.suite import alone
from tidegate.schema import v2

CREATE = v2.CloudTasks.create_task


def measure(plan: Plan) -> Iterator[Row]:
    seconds = plan.seconds * 3
    during: list[float] = []
    errors: list[int] = []
    with handling() as handler, fresh() as server, empty_handler() as empty:
        queue = server.make_queue("q", max_concurrent_dispatches=CONCURRENCY)
        message = create_message(queue, 50, url=handler.url)

        def ours() -> float:
            rate, share, wrong = live(server, handler, queue, message, seconds)
            during.append(share)
            errors.append(wrong)
            return rate

        sides: dict[str, Callable[[], float]] = {
            "empty": lambda: empty.load(CREATE, message, seconds=plan.seconds).calls_per_second,
            "bare": partial(requests_per_second, BARE, handler.url, plan.seconds),
            "ours": ours,
        }
        rates = by_turns(plan.rounds, sides)
    floors = [1 / (1 / call + 1 / request) for call, request in zip(rates["empty"], rates["bare"], strict=True)]
    yield beside(
        "live create and dispatch at once",
        "tasks/s",
        rates["ours"],
        floors,
        "empty + bare",
        errors=sum(errors),
        details={"dispatched_while_creating": round(sum(during) / len(during), 3)},
    )


def live(server: Server, handler: Handler, queue: str, message: bytes, seconds: float) -> tuple[float, float, int]:
    """Tasks a second, the share of them that was dispatched before the last was created, errors."""
    before, begin = handler.requests(), time.perf_counter()
    load = server.load(CREATE, message, seconds=seconds)
    while_creating = handler.requests() - before
    while server.has_tasks(queue):
        if time.perf_counter() - begin > WITHIN:
            raise RuntimeError(f"tasks are left after {WITHIN:.0f} s")
        time.sleep(0.02)
    took, arrived = time.perf_counter() - begin, handler.requests() - before
    lost = max(0, load.calls - arrived)
    return arrived / took, while_creating / arrived, load.errors + lost


if __name__ == "__main__":
    alone("live", measure)
