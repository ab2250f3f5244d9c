"""CreateTask, answered once the task is synced to disk: by connections x streams, and by size of the body.

With 200 MB of calls under way a server may refuse some for want of room; these are counted as errors.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import product

from bench.api import Api
from bench.floor import EMPTY_HANDLER, create_message, empty_handler
from bench.load import USUAL, Shape, calls
from bench.plan import Plan
from bench.rows import Row, by_turns
from bench.server import fresh
from bench.suite import alone
from tidegate.schema import v2

BODIES = {50: "50 B", 1_000: "1 KB", 100_000: "100 KB"}
CASES = list(product(BODIES, (1, 4, 16), (1, 32, 128)))
SLOW = 70e6  # bytes/s; a turn is long enough for each call under way to be answered once, even then
CREATE = v2.CloudTasks.create_task
QUICK = [(50, *USUAL), (50, 1, 1), (100_000, *USUAL)]


def measure(plan: Plan) -> Iterator[Row]:
    with empty_handler() as floor:
        for body, connections, streams in plan.pick(CASES, QUICK):
            shape = Shape(connections, streams)
            with fresh() as server:  # each case: the large bodies would fill the disk
                message = create_message(server.make_queue("q", paused=True), body)
                seconds = max(plan.seconds, shape.connections * shape.streams * body / SLOW)
                call = partial(Api.load, row=CREATE, message=message, seconds=seconds, shape=shape)
                loads = by_turns(plan.rounds, {"floor": partial(call, floor), "ours": partial(call, server)})
            yield calls(f"create {shape}, {BODIES[body]}", loads["ours"], loads["floor"], EMPTY_HANDLER)


if __name__ == "__main__":
    alone("create", measure)
