"""A million waiting tasks: memory, creates beside an empty store, start-up, a page of the list, purge.

Ready and first dispatch count from the start of the process.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from bench.floor import PAGE, create_message
from bench.handler import handling
from bench.load import USUAL, calls
from bench.plan import Plan
from bench.rows import Row, by_turns
from bench.server import Server, fresh, scratch, serve, serving, start
from bench.suite import alone
from bench.tasks import fill
from tidegate.schema import v2

API = v2.CloudTasks
PAGES = 50
LONGEST_PAGE = 1000
"""What a list gives at most."""
DEPTHS = {"": 0.0, " at the middle": 0.5, " at the end": 0.9}
"""Which part of the tasks stands before the pages that are measured."""
WITHIN = 120.0  # seconds


def measure(plan: Plan) -> Iterator[Row]:
    count = plan.pick(1_000_000, 50_000)
    title = f"backlog of {count:,}"
    with scratch() as folder:
        store = folder / "tidegate.db"
        with serving(store) as server, fresh() as empty:
            queue, other = (each.make_queue("backlog", paused=True) for each in (server, empty))
            server.make_queue("live")
            fill(server, [queue], count)
            yield Row(f"{title}, resident", resident_mib(server), "MiB", details=_sizes(store, count))
            create = {
                "empty": partial(empty.load, API.create_task, create_message(other, 50), seconds=plan.seconds),
                "full": partial(server.load, API.create_task, create_message(queue, 50), seconds=plan.seconds),
            }
            loads = by_turns(plan.rounds, create)
            yield calls(f"{title}, create {USUAL}", loads["full"], loads["empty"], "empty store")
        begin = time.perf_counter()
        server = start(serve(store))
        try:
            yield Row(f"{title}, ready", time.perf_counter() - begin, "s")
            yield Row(f"{title}, first dispatch", first_dispatch(server, queue, begin), "s")
            yield from pages(title, server, queue, count)
            yield Row(f"{title}, resident after start", resident_mib(server), "MiB")
            purge = _timed(lambda: server.call(API.purge_queue, name=queue))[0]
            yield Row(f"{title}, purge", purge * 1e3, "ms")
        finally:
            server.stop()


def first_dispatch(server: Server, backlog: str, begin: float) -> float:
    """Seconds since then when a task of another queue is done."""
    live = f"{backlog.rsplit('/', 1)[0]}/live"
    with handling() as handler:
        server.call(API.create_task, parent=live, task={"http_request": {"url": handler.url}})
        while server.has_tasks(live):
            if time.perf_counter() - begin > WITHIN:
                raise RuntimeError("nothing was dispatched")
            time.sleep(0.001)
        return time.perf_counter() - begin


def pages(title: str, server: Server, queue: str, count: int) -> Iterator[Row]:
    """What a page of a list takes, at its beginning and further on."""
    token, passed = "", 0
    for where, part in DEPTHS.items():
        while passed < part * count:
            page = server.call(API.list_tasks, parent=queue, page_size=LONGEST_PAGE, page_token=token)
            token, passed = page.next_page_token, passed + LONGEST_PAGE
        yield Row(f"{title}, list page of {PAGE}{where}", _page_seconds(server, queue, token) * 1e3, "ms")


def _page_seconds(server: Server, queue: str, token: str) -> float:
    """Seconds that a page takes, the median of some that follow each other."""
    took = []
    for _ in range(PAGES):
        seconds, page = _timed(
            lambda token=token: server.call(API.list_tasks, parent=queue, page_size=PAGE, page_token=token)  # type: ignore[misc]
        )
        took.append(seconds)
        token = page.next_page_token
    return statistics.median(took)


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begin = time.perf_counter()
    result = work()
    return time.perf_counter() - begin, result


def resident_mib(server: Server) -> float:
    """The memory of the process."""
    return server.process.resident() / 2**20


def _sizes(store: Path, count: int) -> dict[str, float | str]:
    return {"store_bytes_per_task": round(store.stat().st_size / count)}


if __name__ == "__main__":
    alone("backlog", measure)
