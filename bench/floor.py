"""What a call costs at least: an empty gRPC handler beside an application that does nothing, both under the front.

The empty handler gets a decoded CreateTaskRequest and answers a Task; the bare application answers the same bytes
without looking at anything. The runs alternate, and the best of each counts: other work on the machine only ever slows
one down.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import machine
from bench.load import Load, call_over_and_over
from tidegate.schema import v2
from tidegate.servers.asgi import App
from tidegate.servers.grpc import Call, Method

ROW = v2.CloudTasks.create_task
QUEUE = "projects/bench/locations/here/queues/q"
ANSWER = v2.Task.pb()(name=f"{QUEUE}/tasks/1234567890123456789")
REQUEST = ROW.request_pb(parent=QUEUE, task={"http_request": {"url": "http://127.0.0.1:9/handle", "body": b"x" * 100}})

_framed = b"\0" + ANSWER.ByteSize().to_bytes(4, "big") + ANSWER.SerializeToString()
_start = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/grpc")],
    "trailers": True,
}
_body = {"type": "http.response.body", "body": _framed}
_end = {"type": "http.response.trailers", "headers": [(b"grpc-status", b"0")]}


async def _empty(_request: Any, _call: Call) -> Any:
    return ANSWER


grpc = App({ROW.grpc_path: Method(ROW.request_pb, _empty)})


async def bare(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan" or scope["path"] == "/healthz":
        await grpc(scope, receive, send)
        return
    await receive()
    await send(_start)
    await send(_body)
    await send(_end)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--calls", type=int, default=100_000)
    arguments.add_argument("--runs", type=int, default=3)
    options = arguments.parse_args()
    with serving("bare") as plain, serving("grpc") as ours:
        runs = [(measure(plain, options.calls), measure(ours, options.calls)) for _ in range(options.runs)]
    plain_best = max(run[0][0].calls_per_second for run in runs)
    plain_cpu = min(run[0][1] for run in runs)
    best = max((run[1][0] for run in runs), key=lambda load: load.calls_per_second)
    cpu = min(run[1][1] for run in runs)
    machine.report(
        "floor",
        calls_per_second=round(best.calls_per_second),
        p50_ms=round(best.p50_ms, 2),
        p99_ms=round(best.p99_ms, 2),
        errors=sum(run[0][0].errors + run[1][0].errors for run in runs),
        cpu_us_per_call=round(cpu, 1),
        bare_calls_per_second=round(plain_best),
        bare_cpu_us_per_call=round(plain_cpu, 1),
        of_bare=round(best.calls_per_second / plain_best, 3),
        of_bare_by_cpu=round(plain_cpu / cpu, 3),
    )


@contextlib.contextmanager
def serving(app: str) -> Iterator[tuple[str, int]]:
    """The URL and the process id of a front that runs ``app`` of this module."""
    code = f"from tidegate.servers.front import serve; serve('bench.floor:{app}', port=0)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=os.environ)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.startswith("listening on "):
            raise SystemExit("the front did not start")
        yield line.split()[-1], process.pid
    finally:
        process.terminate()
        process.wait()


def measure(server: tuple[str, int], calls: int, message: bytes = REQUEST.SerializeToString()) -> tuple[Load, float]:
    """The load, and the processor time a call took in microseconds."""
    url, pid = server
    before = _cpu(pid)
    load = call_over_and_over(url + ROW.grpc_path, message, calls=calls)
    return load, (_cpu(pid) - before) / calls * 1e6


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
