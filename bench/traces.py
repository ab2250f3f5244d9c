"""What traces cost of which one in a hundred is recorded: processor time of the server for a task, beside one without.

A task is created over gRPC, and dispatched to a handler that answers at once. The collector reads and drops.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bench.dispatch import any_left
from bench.floor import create_message
from bench.handler import handling
from bench.load import USUAL, call_over_and_over
from bench.plan import Plan
from bench.rows import Row, beside, by_turns
from bench.server import Server, fresh
from bench.suite import alone
from tidegate.schema import v2

CREATE = v2.CloudTasks.create_task
UNIT = "us of a core"
SAMPLED = "0.01"
WITHOUT = "without traces"
KINDS = {"create": True, "create and dispatch": False}
"""What is measured: on a paused queue, and on one that is not."""
STARTS = 4
"""How often the servers are started."""


def measure(plan: Plan) -> Iterator[Row]:
    with collecting() as endpoint, handling() as handler:
        variables = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
            "OTEL_TRACES_SAMPLER_ARG": SAMPLED,
        }
        spent = in_pairs(plan, {"without": {}, "with": variables}, handler.url)
        for what in KINDS:
            yield beside(f"traces of 1 %: {what}", UNIT, spent[what, "with"], spent[what, "without"], WITHOUT)


def in_pairs(plan: Plan, sides: Mapping[str, Mapping[str, str]], url: str) -> dict[tuple[str, str], list[float]]:
    """Microseconds of processor time for a task on servers with these variables, by what is measured and by side.

    The turns are short and many, for the machine changes within seconds; and the servers are started several times, for
    two that do the same may differ by some percent as long as they run.
    """
    rounds, seconds = plan.pick(12, 3), plan.pick(0.5, 0.3)
    spent: dict[tuple[str, str], list[float]] = {(what, name): [] for what in KINDS for name in sides}
    for _ in range(plan.pick(STARTS, 1)):
        with contextlib.ExitStack() as stack:
            servers = {name: stack.enter_context(fresh(variables)) for name, variables in sides.items()}
            for what, paused in KINDS.items():
                turns = {
                    name: partial(microseconds, server, url, seconds, paused=paused) for name, server in servers.items()
                }
                for turn in turns.values():
                    turn()  # the first one fills caches
                for name, found in by_turns(rounds, turns).items():
                    spent[what, name] += found
    return spent


def microseconds(server: Server, url: str, seconds: float, *, paused: bool) -> float:
    """Processor time that the server spends on a task, from its creation until it is stored, or else delivered."""
    queue = server.make_queue(f"q{time.monotonic_ns()}", paused=paused, max_concurrent_dispatches=1000)
    message = create_message(queue, 50, url=url)
    cpu = server.process.cpu()
    load = call_over_and_over(f"http://{server.address}{CREATE.grpc_path}", message, seconds=seconds, shape=USUAL)
    while not paused and any_left(server, [queue]):
        time.sleep(0.05)
    spent = server.process.cpu() - cpu
    server.call(v2.CloudTasks.delete_queue, name=queue)
    return spent / load.calls * 1e6


@contextlib.contextmanager
def collecting() -> Iterator[str]:
    """The address of a collector that drops what it gets."""

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


if __name__ == "__main__":
    alone("traces", measure)
