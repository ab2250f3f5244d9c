"""Our Python client beside Google's: what an import costs, what a call costs, how many go through a second.

Each side is a process of its own. They take turns, a few hundred calls each time, and the best turn of each counts:
other work on the machine only ever slows one down. The calls go to a server that answers each with the same task, so
that the client is what is measured; ``bare`` is grpcio alone, by its public callable, with a request made before.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from bench.plan import Plan
from bench.rows import Row, by_turns
from bench.suite import alone

QUEUE = "projects/bench/locations/here/queues/q"
SIDES = ("ours", "google", "bare")
STARTS = {"import": "import", "import and first message": "messages", "import and first client": "first_client"}
CALLS = 300  # in one turn
PACKAGES = {"ours": "tidegate.tasks_v2", "google": "google.cloud.tasks_v2"}
WARM = 200
CHILD = (sys.executable, "-c", "from bench.client import child; child()")


def measure(plan: Plan) -> Iterator[Row]:
    if hasattr(os, "sched_setaffinity"):
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {max(cores)})  # children too; moving between cores costs unevenly
    try:
        yield from _rows(plan)
    finally:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, cores)


def _rows(plan: Plan) -> Iterator[Row]:
    for what, child in STARTS.items():
        best = {side: min(_child(child, side)["ms"] for _ in range(plan.pick(7, 1))) for side in PACKAGES}
        yield _beside_google(what, "ms", best["ours"], best["google"])
    with _answering() as address, contextlib.ExitStack() as stack:
        callers = {side: stack.enter_context(_Caller(side, address)) for side in SIDES}
        turns = by_turns(plan.pick(30, 5), {side: partial(caller.take, CALLS) for side, caller in callers.items()})
    cpu = {side: min(turn["cpu"] for turn in turns[side]) for side in SIDES}
    rates = {side: max(turn["rate"] for turn in turns[side]) for side in SIDES}
    yield _beside_google("processor time of a call", "us", cpu["ours"], cpu["google"], bare=cpu["bare"])
    yield _beside_google("create_task", "calls/s", rates["ours"], rates["google"], bare=rates["bare"])


def _beside_google(what: str, unit: str, ours: float, google: float, **details: float) -> Row:
    known = {name: round(value, 1) for name, value in details.items()}
    return Row(f"client {what}", ours, unit, google, "Google's", ours / google, details=known)


class _Caller:
    """A process that calls when it is told to."""

    def __init__(self, side: str, address: str) -> None:
        self._process = subprocess.Popen(
            [*CHILD, "calls", side, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> _Caller:
        self.take(WARM)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def take(self, calls: int) -> dict[str, float]:
        """One turn: microseconds of processor time per call, calls per second."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{calls}\n")
        self._process.stdin.flush()
        measured: dict[str, float] = json.loads(self._process.stdout.readline())
        return measured


def _child(*arguments: str) -> dict[str, float]:
    done = subprocess.run([*CHILD, *arguments], capture_output=True, text=True, check=True)
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


# What the children do.


def child() -> None:
    measured = CHILDREN[sys.argv[1]](*sys.argv[2:])
    if measured is not None:
        print(json.dumps(measured))


def _import(side: str) -> dict[str, float]:
    begin = time.process_time()
    importlib.import_module(PACKAGES[side])
    return {"ms": (time.process_time() - begin) * 1e3}


def _messages(side: str) -> dict[str, float]:
    begin = time.process_time()
    package = importlib.import_module(PACKAGES[side])
    package.Task(name=f"{QUEUE}/tasks/t")
    return {"ms": (time.process_time() - begin) * 1e3}


def _first_client(side: str) -> dict[str, float]:
    begin = time.process_time()
    _client(side, "localhost:1")
    return {"ms": (time.process_time() - begin) * 1e3}


def _calls(side: str, address: str) -> None:
    call = _bare(address) if side == "bare" else _creating(_client(side, address))
    for line in sys.stdin:
        count = int(line)
        cpu, begin = time.process_time(), time.perf_counter()
        for _ in range(count):
            call()
        took, cpu = time.perf_counter() - begin, time.process_time() - cpu
        print(json.dumps({"cpu": cpu / count * 1e6, "rate": count / took}), flush=True)


CHILDREN: dict[str, Callable[..., Any]] = {
    "import": _import,
    "messages": _messages,
    "first_client": _first_client,
    "calls": _calls,
}


def _client(side: str, address: str) -> Any:
    package = importlib.import_module(PACKAGES[side])
    transports = importlib.import_module(f"{PACKAGES[side]}.services.cloud_tasks.transports")
    import grpc  # noqa: PLC0415  # the import is what some children measure

    channel = grpc.insecure_channel(address)
    return package.CloudTasksClient(transport=transports.CloudTasksGrpcTransport(channel=channel))


def _creating(client: Any) -> Callable[[], Any]:
    return lambda: client.create_task(
        parent=QUEUE, task={"http_request": {"url": "http://127.0.0.1:9/handle", "body": b"x" * 100}}
    )


def _bare(address: str) -> Callable[[], Any]:
    import grpc  # noqa: PLC0415

    from tidegate.schema import v2  # noqa: PLC0415

    row = v2.CloudTasks.create_task
    task = {"http_request": {"url": "http://127.0.0.1:9/handle", "body": b"x" * 100}}
    request = row.request_pb(parent=QUEUE, task=task)
    metadata = (
        ("x-goog-api-client", "gl-python/3.11.7 grpc/1.66.0 gax/2.24.0 gapic/2.26.0 pb/6.33.5"),
        ("x-goog-request-params", f"parent={QUEUE}"),
    )
    method: Any = grpc.insecure_channel(address).unary_unary(
        row.grpc_path,
        request_serializer=row.request_pb.SerializeToString,
        response_deserializer=row.response_pb.FromString,
    )
    return lambda: method(request, timeout=20, metadata=metadata)


@contextlib.contextmanager
def _answering() -> Iterator[str]:
    """The address of a server that answers every call with the same task."""
    process = subprocess.Popen(
        [sys.executable, "-c", "from bench.client import answer; answer()"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield f"127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.wait()


def answer() -> None:
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    import grpc  # noqa: PLC0415

    from tidegate.schema import v2  # noqa: PLC0415

    task = v2.Task.pb()(name=f"{QUEUE}/tasks/1234567890123456789").SerializeToString()

    class Everything(grpc.GenericRpcHandler):
        def service(self, _call: Any) -> Any:
            return grpc.unary_unary_rpc_method_handler(lambda _request, _context: task)

    server = grpc.server(ThreadPoolExecutor(2), handlers=[Everything()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    alone("client", measure)
