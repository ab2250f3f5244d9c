"""What a call costs at least: an empty gRPC handler beside an application that does nothing, both under the front.

The empty handler gets a decoded request and answers a message made before; the bare application answers the same bytes
without looking at anything. The other benchmarks take the empty handler for their floor.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from bench.api import PARENT, Api
from bench.load import USUAL, calls
from bench.plan import Plan
from bench.rows import Row, by_turns
from bench.server import Server, running
from bench.suite import alone
from tidegate.schema import v2, v2beta2
from tidegate.schema.rpc import Rpc
from tidegate.servers.address import Address
from tidegate.servers.asgi import App
from tidegate.servers.call import Call
from tidegate.servers.grpc import GrpcMethod

EMPTY_HANDLER = "empty handler"
QUEUE = f"{PARENT}/queues/q"
PAGE = 100
URL = "http://127.0.0.1:9/handle"


def create_message(queue: str, body: int, url: str = URL, **task: object) -> bytes:
    """A CreateTask request with a body of so many bytes; the handler is one that is not there."""
    target = {"url": url, "body": b"x" * body}
    request = v2.CloudTasks.create_task.request_pb(parent=queue, task={"http_request": target, **task})
    message: bytes = request.SerializeToString()
    return message


def _task() -> Any:
    """As a server shows one in the BASIC view."""
    now = {"seconds": 1_700_000_000}
    request = {"url": URL, "http_method": "POST", "headers": {"User-Agent": "Google-Cloud-Tasks"}}
    return v2.Task.pb()(
        name=f"{QUEUE}/tasks/1234567890123456789",
        http_request=request,
        create_time=now,
        schedule_time=now,
        dispatch_deadline={"seconds": 600},
        view="BASIC",
    )


TASK = _task()
ANSWERS: dict[Rpc[Any, Any], Any] = {
    v2.CloudTasks.create_task: TASK,
    v2.CloudTasks.get_task: TASK,
    v2.CloudTasks.delete_task: v2.CloudTasks.delete_task.response_pb(),
    v2.CloudTasks.list_tasks: v2.CloudTasks.list_tasks.response_pb(tasks=[TASK] * PAGE),
    v2beta2.CloudTasks.get_queue: v2beta2.CloudTasks.get_queue.response_pb(name=QUEUE, stats={"tasks_count": 100}),
}


def _empty(rpc: Rpc[Any, Any], answer: Any) -> GrpcMethod:
    async def handle(_request: Any, _call: Call) -> Any:
        return answer

    return GrpcMethod(rpc.request_pb, handle)


grpc = App({rpc.grpc_path: _empty(rpc, answer) for rpc, answer in ANSWERS.items()})

_framed = b"\0" + TASK.ByteSize().to_bytes(4, "big") + TASK.SerializeToString()
_start = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/grpc")],
    "trailers": True,
}
_body = {"type": "http.response.body", "body": _framed}
_end = {"type": "http.response.trailers", "headers": [(b"grpc-status", b"0")]}


class Bare(App):
    """Answers every call alike, and looks at none."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/healthz":
            await super().__call__(scope, receive, send)
            return
        await receive()
        await send(_start)
        await send(_body)
        await send(_end)


APPS = {"grpc": grpc, "bare": Bare()}


def serving(app: str) -> Callable[[Address], Any]:
    """What the front serves: one of the two applications."""
    return lambda _address: APPS[app]


def command(app: str = "grpc") -> Sequence[str]:
    """The command that serves ``app`` of this module under the front."""
    return [
        "-c",
        f"from tidegate.servers.front import serve; from bench.floor import serving; serve(serving('{app}'), port=0)",
    ]


def empty_handler() -> contextlib.AbstractContextManager[Server]:
    return running(command())


def measure(plan: Plan) -> list[Row]:
    message = create_message(QUEUE, 50)
    call = partial(Api.load, row=v2.CloudTasks.create_task, message=message, seconds=plan.seconds)
    with running(command("bare")) as bare, empty_handler() as empty:
        loads = by_turns(plan.rounds, {"bare": partial(call, bare), "empty": partial(call, empty)})
    return [calls(f"floor {USUAL}, {EMPTY_HANDLER}", loads["empty"], loads["bare"], "bare app")]


if __name__ == "__main__":
    alone("floor", measure)
