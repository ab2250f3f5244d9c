"""What a page of metrics costs a server with 10,000 active queues: time for the page, as Prometheus sees it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from urllib.request import urlopen

from bench.floor import create_message
from bench.idle import make_queues
from bench.plan import Plan
from bench.rows import Row
from bench.server import Server, fresh
from bench.suite import alone
from bench.tasks import create_each

AHEAD = 3600


def measure(plan: Plan) -> Iterator[Row]:
    count = plan.pick(10_000, 1_000)
    with fresh() as server:
        queues = make_queues(server, count)
        later = {"seconds": int(time.time()) + AHEAD}
        create_each(server, [create_message(queue, 50, schedule_time=later) for queue in queues])
        _scrape(server)  # the first one imports what makes the page
        took = [_scrape(server) for _ in range(plan.pick(20, 5))]
        size = {"kib": round(took[-1][1] / 1024)}
        seconds = statistics.median(seconds for seconds, _ in took)
        yield Row(f"scrape of {count:,} queues", seconds * 1000, "ms", details=size)


def _scrape(server: Server) -> tuple[float, int]:
    """Seconds for a page, and its bytes."""
    begin = time.perf_counter()
    with urlopen(f"http://{server.address}/metrics", timeout=60) as answer:
        size = len(answer.read())
    return time.perf_counter() - begin, size


if __name__ == "__main__":
    alone("scrape", measure)
