"""GetTask, and ListTasks in pages of a hundred."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from bench.api import Api
from bench.floor import EMPTY_HANDLER, PAGE, create_message, empty_handler
from bench.load import USUAL, Shape, calls
from bench.plan import Plan
from bench.rows import Row, by_turns
from bench.server import fresh
from bench.suite import alone
from bench.tasks import create_each
from tidegate.schema import v2

GET = v2.CloudTasks.get_task
LIST = v2.CloudTasks.list_tasks
ONE = Shape(1, 1)


def get_message(task: str) -> bytes:
    message: bytes = GET.request_pb(name=task).SerializeToString()
    return message


def list_message(queue: str) -> bytes:
    message: bytes = LIST.request_pb(parent=queue, page_size=PAGE).SerializeToString()
    return message


def measure(plan: Plan) -> Iterator[Row]:
    with fresh() as server, empty_handler() as floor:
        queue = server.make_queue("q", paused=True)
        names = create_each(server, [create_message(queue, 50)] * PAGE)
        for what, row, message in (
            ("one by GetTask", GET, get_message(names[0])),
            (f"a page of {PAGE} by ListTasks", LIST, list_message(queue)),
        ):
            for shape in plan.pick((USUAL, ONE), (USUAL,)):
                call = partial(Api.load, row=row, message=message, seconds=plan.seconds, shape=shape)
                loads = by_turns(plan.rounds, {"floor": partial(call, floor), "ours": partial(call, server)})
                yield calls(f"read {what}, {shape}", loads["ours"], loads["floor"], EMPTY_HANDLER)


if __name__ == "__main__":
    alone("read", measure)
