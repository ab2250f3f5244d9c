"""How late attempts start at 1,000 tasks a second, and how soon an idle server brings a new task to its handler.

The handler notes when each attempt arrives and how long after its schedule time (the ETA header) that is; server,
client and handler share the machine and its clock. Tasks for the first figure are created before they are due, spread
evenly over the run.
"""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.plan import Plan
from bench.rows import Row
from bench.server import Server, fresh
from bench.suite import alone
from bench.tasks import BATCH
from bench.tools import CannotMeasure
from tidegate.schema import v2

AHEAD = timedelta(seconds=3)  # beyond creating the last batch
RATE = 1000  # tasks a second
WITHIN = 120  # seconds for all of them to arrive


class Arrivals:
    """A handler that answers 200 and notes, in a thread of its own; ``late`` and ``at`` are seconds."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self.at: dict[str, Future[float]] = {}
        self._loop = asyncio.new_event_loop()
        self._listening: Future[int] = Future()
        threading.Thread(target=self._run, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._listening.result()}/"

    def _run(self) -> None:
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=4096))
        self._listening.set_result(server.sockets[0].getsockname()[1])
        self._loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                now, at = time.time(), time.perf_counter()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                headers = dict(line.split(": ", 1) for line in head.decode("latin-1").lower().split("\r\n")[1:-2])
                await reader.readexactly(int(headers.get("content-length", "0")))
                waited = self.at.get(headers["x-cloudtasks-taskname"])
                if waited is not None:
                    waited.set_result(at)
                else:
                    self.late.append(now - float(headers["x-cloudtasks-tasketa"]))
        except (OSError, asyncio.IncompleteReadError):
            writer.close()


def measure(plan: Plan) -> Iterator[Row]:
    seconds, idle = plan.pick(10, 3), plan.pick(200, 50)
    handler = Arrivals()
    with fresh() as server:
        queue = server.make_queue("q")
        latencies = [_create_to_handler(server, queue, handler, number) for number in range(idle)]
        count = RATE * seconds
        _schedule(server, queue, handler.url, count)
        deadline = time.monotonic() + WITHIN
        while len(handler.late) < count:
            if time.monotonic() > deadline:
                raise CannotMeasure(f"only {len(handler.late)} of {count} attempts arrived")
            time.sleep(0.05)
    late = sorted(handler.late)
    for what, value in {
        "earliest": late[0],
        "median": late[count // 2],
        "p99": late[int(count * 0.99)],
        "latest": late[-1],
    }.items():
        yield Row(f"lateness at {RATE:,}/s, {what}", value * 1e3, "ms")
    yield Row("lateness when idle, create to handler", statistics.median(latencies) * 1e3, "ms")


def _create_to_handler(server: Server, queue: str, handler: Arrivals, number: int) -> float:
    """Seconds from the call of CreateTask to the handler."""
    name = f"idle-{number}"
    waited = handler.at[name] = Future()
    task: Any = {"name": f"{queue}/tasks/{name}", "http_request": {"url": handler.url}}
    begin = time.perf_counter()
    server.call(v2.CloudTasks.create_task, parent=queue, task=task)
    return waited.result(30) - begin


def _schedule(server: Server, queue: str, url: str, count: int) -> None:
    """Create tasks that are due evenly from the moment on when all are there."""
    begin = time.perf_counter()
    row = v2.CloudTasks.batch_create_tasks
    probe = _batch(queue, url, [datetime.now(UTC) + timedelta(days=1)] * BATCH)
    server.call(row, **probe)  # how long a batch takes here
    took = timedelta(seconds=time.perf_counter() - begin)
    server.call(v2.CloudTasks.purge_queue, name=queue)
    first = datetime.now(UTC) + 2 * took * (count // BATCH) + AHEAD
    for start in range(0, count, BATCH):
        due = [first + timedelta(seconds=number / RATE) for number in range(start, start + BATCH)]
        server.call(row, **_batch(queue, url, due))
    if datetime.now(UTC) > first:
        raise CannotMeasure("creating the tasks took longer than planned; try again on a quieter machine")


def _batch(queue: str, url: str, due: list[datetime]) -> dict[str, Any]:
    tasks = [{"http_request": {"url": url, "body": b"x" * 200}, "schedule_time": when} for when in due]
    return {"parent": queue, "requests": [{"parent": queue, "task": task} for task in tasks]}


if __name__ == "__main__":
    alone("lateness", measure)
