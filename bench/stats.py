"""The numbers of 1,000 queues, asked for once a second: which part of a core that costs.

That is GetQueue of v2beta2 with ``stats`` in its ``read_mask``. The floor is the same calls to an empty handler.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from bench.floor import EMPTY_HANDLER, empty_handler
from bench.http2 import Connection
from bench.idle import make_queues
from bench.plan import Plan
from bench.rows import Row, beside, by_turns
from bench.server import Server, fresh
from bench.suite import alone
from bench.tasks import connected, fill
from tidegate.schema import v2, v2beta2

GET = v2beta2.CloudTasks.get_queue
QUEUES = 1_000
TASKS = 100  # in each


def measure(plan: Plan) -> Iterator[Row]:
    seconds = plan.pick(5, 1)
    with fresh() as server, empty_handler() as floor:
        queues = make_queues(server, QUEUES)
        for queue in queues:
            server.call(v2.CloudTasks.pause_queue, name=queue)
        fill(server, queues, TASKS)
        requests = [GET.request_pb(name=queue, read_mask={"paths": ["stats"]}).SerializeToString() for queue in queues]
        counted = GET.response_pb.FromString(_ask(server, requests[:1])[0]).stats.tasks_count
        assert counted == TASKS, f"a queue of {TASKS} tasks has {counted}"
        shares = by_turns(
            plan.rounds,
            {
                "floor": lambda: _share(floor, requests, seconds),
                "ours": lambda: _share(server, requests, seconds),
            },
        )
    yield beside(
        f"stats of {QUEUES:,} queues every second", "% of a core", shares["ours"], shares["floor"], EMPTY_HANDLER
    )


def _share(server: Server, requests: Sequence[bytes], seconds: int) -> float:
    """Percent of a core for all of these calls, every second."""
    cpu, begin = server.process.cpu(), time.perf_counter()
    for second in range(seconds):
        _ask(server, requests)
        time.sleep(max(0.0, begin + second + 1 - time.perf_counter()))
    return (server.process.cpu() - cpu) / (time.perf_counter() - begin) * 100


def _ask(server: Server, requests: Sequence[bytes]) -> list[bytes]:
    async def calls(connection: Connection) -> list[bytes]:
        return await connection.call(GET.grpc_path, requests)

    return connected(server, calls)


if __name__ == "__main__":
    alone("stats", measure)
