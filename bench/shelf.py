"""Memory that a full shelf and full series take: 10,000 dead tasks in 64 MiB, charts of 1,000 busy queues of a day.

The shelf is a server's, resident beside what it held before with tasks that wait: its page cache is full either way.
The series are filled in a process of their own, for a day cannot be waited for: up to 2,000 tasks in each step, with
answers in all of the buckets of response times, and spark lines of ten times as many queues. That is more than any
machine dispatches, so as to fill the room that the series have.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator

from bench.plan import Plan
from bench.rows import Row
from bench.server import Server, fresh
from bench.suite import alone
from bench.tasks import fill as fill_tasks
from tidegate.core.dead_letters import DeathReason
from tidegate.schema import v2
from tidegate.schema.operator import Operator

SHELF = 10_000
BODY = 6_000
"""Bytes: ten thousand of them fill the shelf."""
PART = 100
QUEUES = 1_000
MIB = 2**20
PAGE = 1_000
WAITING = 100_000

SERIES = """
import json
from random import Random
from bench.shelf import resident
from tidegate.observers.series import COARSE_ROWS, FINE_ROWS
from tidegate.observers.series.metric import WIDTH
from tidegate.observers.series.series import QUEUES_MAX, _Spark, _Tracked, share_of

dice = Random(1)
busy = [[dice.randrange(2000) for _ in range(WIDTH)] for _ in range(97)]
before = resident()
kept = []
for queue in range({queues}):
    tracked = _Tracked(None, 0)
    for slot in range(FINE_ROWS + 60):
        tracked.fine.add(slot, busy[(queue + slot) % len(busy)])
    for minute in range(COARSE_ROWS + 60):
        tracked.minute = busy[(queue + minute) % len(busy)]
        tracked.end_minute(minute, share_of(QUEUES_MAX))
    kept.append(tracked)
sparks = {{f"projects/p/locations/l/queues/q{{number}}": _Spark(number) for number in range(10 * {queues})}}
print(json.dumps(resident() - before))
"""


def measure(plan: Plan) -> Iterator[Row]:
    queues, dead = plan.pick(QUEUES, 100), plan.pick(SHELF, 1_000)
    of_series = json.loads(
        subprocess.run(
            [sys.executable, "-c", SERIES.format(queues=queues)], stdout=subprocess.PIPE, check=True, text=True
        ).stdout
    )
    with fresh() as server:
        queue = server.make_queue("q", paused=True)
        fill_tasks(server, [queue], plan.pick(WAITING, WAITING // 5))
        look_around(server, queue)
        before = server.process.resident()
        fill(server, queue, dead)
        look_around(server, queue)
        of_shelf = server.process.resident() - before
    yield Row(f"shelf of {dead:,}, resident", of_shelf / MIB, "MiB")
    yield Row(f"shelf aside, series of {queues:,} queues, resident", of_series / MIB, "MiB")
    yield Row(f"shelf of {dead:,}, and series of {queues:,} queues, resident", (of_shelf + of_series) / MIB, "MiB")


def fill(server: Server, queue: str, count: int) -> None:
    """Put so many dead tasks on the shelf of a queue."""
    now = int(time.time())
    http = {"url": "http://handler.test/", "body": b"x" * BODY}
    for begin in range(0, count, PART):
        records = [
            {
                "dead_task": {
                    "task": {"name": f"{queue}/tasks/t{number}", "http_request": http},
                    "reason": int(DeathReason.ATTEMPTS),
                    "death_time": {"seconds": now},
                    "expire_time": {"seconds": now + 86_400},
                }
            }
            for number in range(begin, min(begin + PART, count))
        ]
        answer = server.call(Operator.import_state, parent="-", records=records)
        if answer.failures:
            raise RuntimeError(f"{answer.failures[0]}")


def look_around(server: Server, queue: str) -> None:
    """Ask what is asked about shelves."""
    server.call(Operator.group_dead_tasks, parent=queue)
    server.call(Operator.list_dead_tasks, parent=queue, page_size=PAGE)
    server.call(Operator.list_attempts, parent=queue, page_size=PAGE)
    server.call(v2.CloudTasks.get_queue, name=queue)


def resident() -> int:
    """Bytes of memory that this process holds."""
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - a file of the system
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS:"))


if __name__ == "__main__":
    alone("shelf", measure)
