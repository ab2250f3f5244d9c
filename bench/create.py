"""CreateTask calls a second, each answered once its task is synced to disk, beside an empty handler under one front.

The runs alternate; the medians count.
"""

from __future__ import annotations

import argparse
import statistics

from bench import machine
from bench.floor import ROW, measure
from bench.floor import serving as empty_handler
from bench.server import make_queue, scratch, serving
from tidegate.schema import v2


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--calls", type=int, default=60_000)
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--body", type=int, default=100, help="bytes")
    options = arguments.parse_args()
    with scratch() as folder, serving(folder / "tidegate.db") as server, empty_handler("grpc") as floor:
        queue = make_queue(server, "q")
        server.call(v2.CloudTasks.pause_queue, name=queue)
        request = {"url": "http://127.0.0.1:9/handle", "body": b"x" * options.body}
        message = ROW.request_pb(parent=queue, task={"http_request": request}).SerializeToString()
        ours = (f"http://{server.address}", server.process.pid)
        runs = [
            (measure(floor, options.calls, message), measure(ours, options.calls, message)) for _ in range(options.runs)
        ]
    empty = statistics.median(run[0][0].calls_per_second for run in runs)
    created = statistics.median(run[1][0].calls_per_second for run in runs)
    empty_cpu = statistics.median(run[0][1] for run in runs)
    created_cpu = statistics.median(run[1][1] for run in runs)
    machine.report(
        "create",
        calls_per_second=round(created),
        p50_ms=round(statistics.median(run[1][0].p50_ms for run in runs), 2),
        p99_ms=round(statistics.median(run[1][0].p99_ms for run in runs), 2),
        errors=sum(run[1][0].errors for run in runs),
        cpu_us_per_call=round(created_cpu, 1),
        empty_calls_per_second=round(empty),
        empty_cpu_us_per_call=round(empty_cpu, 1),
        of_empty=round(created / empty, 3),
        of_empty_by_cpu=round(empty_cpu / created_cpu, 3),
    )


if __name__ == "__main__":
    main()
