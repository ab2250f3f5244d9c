"""What a server costs that has next to nothing to do, with 10,000 queues and without them.

Every tenth queue has a task that is due in an hour. Then ten of them get a task every second; what the same tasks cost
a server that has those ten queues alone is the floor.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from bench.api import PARENT
from bench.floor import create_message
from bench.handler import Handler, handling
from bench.plan import Plan
from bench.rows import Row, beside
from bench.server import Server, fresh
from bench.suite import alone
from bench.tasks import create_each, make
from tidegate.schema import v2

CREATE = v2.CloudTasks.create_task
CREATE_QUEUE = v2.CloudTasks.create_queue
UNIT = "% of a core"
BUSY = 10
AHEAD = 3600
SETTLED = 2.0  # seconds after which what the making left to do is done


def measure(plan: Plan) -> Iterator[Row]:
    count, seconds = plan.pick(10_000, 1_000), plan.pick(20, 4)
    with handling() as handler, fresh() as server:
        time.sleep(SETTLED)
        yield Row("idle with no queue", _share(server, [], handler, seconds), UNIT)
        few = [server.make_queue(f"few-{number}") for number in range(BUSY)]
        floor = _share(server, few, handler, seconds)
        queues = make_queues(server, count)
        later = {"seconds": int(time.time()) + AHEAD}
        create_each(server, [create_message(queue, 50, schedule_time=later) for queue in queues[::10]])
        time.sleep(SETTLED)
        title = f"idle with {count:,} queues"
        resident = {"resident_mib": round(server.process.resident() / 2**20)}
        yield Row(title, _share(server, [], handler, seconds), UNIT, details=resident)
        busy = _share(server, queues[:: count // BUSY], handler, seconds)
        yield beside(f"{title}, {BUSY} tasks/s", UNIT, [busy], [floor], f"in {BUSY} queues")


def make_queues(server: Server, count: int) -> list[str]:
    """As many queues with the limits that a queue has when nobody says otherwise."""
    names = [f"{PARENT}/queues/many-{number}" for number in range(count)]
    requests = [CREATE_QUEUE.request_pb(parent=PARENT, queue={"name": name}).SerializeToString() for name in names]
    make(server, CREATE_QUEUE, requests)
    return names


def _share(server: Server, busy: Sequence[str], handler: Handler, seconds: int) -> float:
    """Percent of a core, while each of the busy queues gets a task every second."""
    requests = [{"parent": queue, "task": {"http_request": {"url": handler.url}}} for queue in busy]
    cpu, begin = server.process.cpu(), time.perf_counter()
    for second in range(seconds):
        for request in requests:
            server.call(CREATE, **request)
        time.sleep(max(0.0, begin + second + 1 - time.perf_counter()))
    return (server.process.cpu() - cpu) / (time.perf_counter() - begin) * 100


if __name__ == "__main__":
    alone("idle", measure)
