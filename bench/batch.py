"""BatchCreateTasks: tasks created a hundred at a time, beside the calls of an empty handler."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from bench.floor import EMPTY_HANDLER, create_message, empty_handler
from bench.load import Shape, calls
from bench.plan import Plan
from bench.rows import Row, by_turns
from bench.server import fresh
from bench.suite import alone
from bench.tasks import BATCH, batch_message
from tidegate.schema import v2

BODY = 100
SHAPE = Shape(4, 4)


def measure(plan: Plan) -> Iterator[Row]:
    with fresh() as server, empty_handler() as floor:
        queue = server.make_queue("q", paused=True)
        batch = batch_message(queue, BATCH, body=BODY)
        create = create_message(queue, BODY)
        loads = by_turns(
            plan.rounds,
            {
                "floor": partial(floor.load, v2.CloudTasks.create_task, create, seconds=plan.seconds),
                "ours": partial(
                    server.load, v2.CloudTasks.batch_create_tasks, batch, seconds=plan.seconds, shape=SHAPE
                ),
            },
        )
    what = f"batch of {BATCH} x {BODY} B"
    yield calls(what, loads["ours"], loads["floor"], EMPTY_HANDLER, unit="tasks/s", each=BATCH)


if __name__ == "__main__":
    alone("batch", measure)
