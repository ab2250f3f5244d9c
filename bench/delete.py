"""DeleteTask, each call a task of its own; the same calls to an empty handler are the floor."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence

from bench.api import Api
from bench.floor import EMPTY_HANDLER, create_message, empty_handler
from bench.http2 import Connection
from bench.load import USUAL
from bench.plan import Plan
from bench.rows import Row, beside, by_turns
from bench.server import fresh
from bench.suite import alone
from bench.tasks import create_each
from tidegate.schema import v2

DELETE = v2.CloudTasks.delete_task


def measure(plan: Plan) -> Iterator[Row]:
    count = plan.pick(10_000, 2_000)
    with fresh() as server, empty_handler() as floor:
        queue = server.make_queue("q", paused=True)
        message = create_message(queue, 50)
        names: list[str] = []

        def ours() -> float:
            names[:] = create_each(server, [message] * count)
            return deletes_per_second(server, names)

        names += create_each(server, [message] * count)
        rates = by_turns(plan.rounds, {"floor": lambda: deletes_per_second(floor, names), "ours": ours})
    yield beside(f"delete {USUAL}", "calls/s", rates["ours"], rates["floor"], EMPTY_HANDLER)


def deletes_per_second(api: Api, names: Sequence[str]) -> float:
    """Delete these tasks, ``USUAL`` at once. Raises RuntimeError when one cannot be deleted."""
    messages = [DELETE.request_pb(name=name).SerializeToString() for name in names]
    return asyncio.run(_calls_per_second(api, messages))


async def _calls_per_second(api: Api, messages: Sequence[bytes]) -> float:
    connections = [await Connection.open(api.host, api.port, USUAL.streams) for _ in range(USUAL.connections)]
    begin = time.perf_counter()
    shares = [messages[number :: USUAL.connections] for number in range(USUAL.connections)]
    await asyncio.gather(
        *[connection.call(DELETE.grpc_path, share) for connection, share in zip(connections, shares, strict=True)]
    )
    took = time.perf_counter() - begin
    for connection in connections:
        connection.close()
    return len(messages) / took


if __name__ == "__main__":
    alone("delete", measure)
