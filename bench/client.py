"""Our Python client beside Google's: what an import costs, what a create_task call costs, how many go through a second.

Each side is a process of its own. They take turns, a few hundred calls each time, and the best turn of each counts:
other work on the machine only ever slows one down. The calls go to a server that answers each with the same task, so
that the client is what is measured; ``bare`` is grpcio alone, by its public callable, with a request made before.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from bench import machine

QUEUE = "projects/bench/locations/here/queues/q"
PACKAGES = {"ours": "tidegate.tasks_v2", "google": "google.cloud.tasks_v2"}
WARM = 200


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--calls", type=int, default=300, help="in one turn")
    arguments.add_argument("--turns", type=int, default=30)
    arguments.add_argument("--imports", type=int, default=7)
    arguments.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.child:
        measured = CHILDREN[options.child[0]](*options.child[1:])
        if measured is not None:
            print(json.dumps(measured))
        return
    figures: dict[str, Any] = {}
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # children too; moving between cores costs unevenly
    for measure in ("import", "messages", "first_client"):
        figures |= _beside(f"{measure}_ms", options.imports, measure)
    with _answering() as address, contextlib.ExitStack() as stack:
        callers = {side: stack.enter_context(_Caller(side, address)) for side in ("ours", "google", "bare")}
        turns = [{side: caller.take(options.calls) for side, caller in callers.items()} for _ in range(options.turns)]
    for side in callers:
        figures[f"{side}_cpu_us_per_call"] = round(min(turn[side]["cpu"] for turn in turns), 1)
        figures[f"{side}_calls_per_second"] = round(max(turn[side]["rate"] for turn in turns))
    figures["median_cpu_of_google"] = round(
        statistics.median(turn["ours"]["cpu"] for turn in turns)
        / statistics.median(turn["google"]["cpu"] for turn in turns),
        2,
    )
    figures["cpu_of_google"] = round(figures["ours_cpu_us_per_call"] / figures["google_cpu_us_per_call"], 2)
    machine.report("client", **figures)


def _beside(name: str, runs: int, measure: str) -> dict[str, float]:
    """The best of ours and of Google's, and ours as a part of Google's."""
    times = {side: min(_child(measure, side)["ms"] for _ in range(runs)) for side in PACKAGES}
    return {
        **{f"{side}_{name}": round(best, 1) for side, best in times.items()},
        f"{name.removesuffix('_ms')}_of_google": round(times["ours"] / times["google"], 2),
    }


class _Caller:
    """A process that calls when it is told to."""

    def __init__(self, side: str, address: str) -> None:
        command = [sys.executable, "-m", "bench.client", "--child", "calls", side, address]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

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
    command = [sys.executable, "-m", "bench.client", "--child", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


# What the children do.


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
    main()
