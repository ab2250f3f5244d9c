"""Tasks from disk to done, against a handler that answers at once: from 1 queue, 100, and 20 with a rate.

The tasks wait in paused queues; the clock runs from the resume until none is left. The floor is bare pyreqwest sending
the same requests, 256 at once; the server's own HttpSender without a queue behind it has its turn too.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from bench.api import Api
from bench.handler import Handler, handling
from bench.plan import Plan
from bench.rows import Row, beside, by_turns
from bench.sending import BARE, SENDER, requests_per_second
from bench.server import Server, fresh
from bench.suite import alone
from bench.tasks import fill, make
from tidegate.schema import v2

LIST = v2.CloudTasks.list_tasks
RESUME = v2.CloudTasks.resume_queue
QUEUES = {"1 queue": 1, "100 queues": 100}
CONCURRENCY = 1000  # attempts of a queue under way: what queues have that say nothing of their own
RATED, RATE = 20, 500  # queues, and what each may dispatch in a second
WITHIN = 120.0  # seconds; who is not done by then never will be


def measure(plan: Plan) -> Iterator[Row]:
    count = plan.pick(100_000, 8_000)
    with handling() as handler, fresh() as server:
        from_disk = numbered(server, handler, count)
        rates = by_turns(
            plan.rounds,
            {
                BARE: partial(requests_per_second, BARE, handler.url, plan.seconds),
                SENDER: partial(requests_per_second, SENDER, handler.url, plan.seconds),
                **{what: partial(from_disk, queues) for what, queues in QUEUES.items()},
            },
        )
        yield beside(f"dispatch by {SENDER} alone", "calls/s", rates[SENDER], rates[BARE], BARE)
        for what in QUEUES:
            of_sender = beside(what, "", rates[what], rates[SENDER], SENDER)
            ratio = round(of_sender.ratio or 0, 3)
            row = f"dispatch from {what}"
            yield beside(row, "tasks/s", rates[what], rates[BARE], BARE, details={"by_http_sender": ratio})
        paced = [_paced(server, handler, plan.pick(10, 3), f"rated-{number}") for number in range(plan.pick(3, 1))]
        what = f"dispatch from {RATED} queues at {RATE}/s each"
        known = {"bare_calls_per_second": round(statistics.median(rates[BARE]))}  # whether the machine can do it
        yield beside(what, "tasks/s", paced, [float(RATED * RATE)] * len(paced), "asked for", details=known)


def numbered(server: Server, handler: Handler, count: int) -> Callable[[int], float]:
    """Dispatches ``count`` tasks from so many queues, new ones each time: tasks a second."""
    made = 0

    def from_disk(queues: int) -> float:
        nonlocal made
        made += 1
        names = [
            server.make_queue(f"q{made}-{number}", paused=True, max_concurrent_dispatches=CONCURRENCY)
            for number in range(queues)
        ]
        fill(server, names, count // queues, handler.url)
        return count / drained(server, handler, names, count)

    return from_disk


def drained(api: Api, handler: Handler, queues: Sequence[str], count: int) -> float:
    """Seconds that these queues with so many tasks take from the resume until the last one is done."""
    before, begin = handler.requests(), time.perf_counter()
    resume(api, queues)
    # Asking the handler costs the server nothing.
    handler.await_requests(before + count, WITHIN)
    while any_left(api, queues):
        if time.perf_counter() - begin > WITHIN:
            raise RuntimeError(f"of {count} tasks {handler.requests() - before} arrived in {WITHIN:.0f} s")
        time.sleep(0.005)
    return time.perf_counter() - begin


def resume(api: Api, queues: Sequence[str]) -> None:
    make(api, RESUME, [RESUME.request_pb(name=queue).SerializeToString() for queue in queues])


def any_left(api: Api, queues: Sequence[str]) -> bool:
    """Whether one of these queues has tasks."""
    asked = make(api, LIST, [LIST.request_pb(parent=queue, page_size=1).SerializeToString() for queue in queues])
    return any(LIST.response_pb.FromString(answer).tasks for answer in asked)


def _paced(server: Server, handler: Handler, seconds: int, name: str) -> float:
    """Tasks a second, between a second after the start and the time when tasks begin to run out."""
    queues = [
        server.make_queue(f"{name}-{number}", paused=True, max_dispatches_per_second=RATE) for number in range(RATED)
    ]
    fill(server, queues, RATE * (seconds + 4), handler.url)
    resume(server, queues)
    time.sleep(1)  # what the buckets held is gone by then
    begin, before = time.perf_counter(), handler.requests()
    time.sleep(seconds)
    arrived, took = handler.requests() - before, time.perf_counter() - begin
    for queue in queues:
        server.call(v2.CloudTasks.purge_queue, name=queue)
    return arrived / took


if __name__ == "__main__":
    alone("dispatch", measure)
