"""The console: pages of a million tasks and of 10,000 queues, and what looking costs those who create and dispatch.

A page's time is from the request to the last byte, over one connection on this machine. What looking costs is processor
time of the server for each task, beside a server without console that takes turns with it.
"""

from __future__ import annotations

import http.client
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from urllib.parse import quote

from bench.api import PARENT
from bench.dispatch import drained
from bench.floor import create_message
from bench.handler import Handler, handling
from bench.idle import make_queues
from bench.plan import Plan
from bench.rows import Row, by_turns
from bench.server import Server, fresh, running, serve
from bench.suite import alone
from bench.tabs import looking
from bench.tasks import fill
from tidegate.schema import v2
from tidegate.schema.operator import Operator

CREATE = v2.CloudTasks.create_task
SHOWN = 50
"""Tasks of a page."""
STEP = 1_000
"""Tasks of a call that leads into the depth of a queue."""
TABS = 10
MEMORY = "sqlite://:memory:"
"""Where what looking costs is measured: no other cost is so small, and none depends on the disk."""
OFF, ON, TEN = "no console", "nobody looking", "ten tabs"


def measure(plan: Plan) -> Iterator[Row]:
    yield from _tasks(plan)
    yield from _queues(plan)
    yield from _costs(plan)


def _tasks(plan: Plan) -> Iterator[Row]:
    count, times = plan.pick(1_000_000, 20_000), plan.pick(50, 10)
    with fresh() as server:
        queue = server.make_queue("deep", paused=True)
        fill(server, [queue], count)
        pages = Pages(server)
        what = f"console {count:,} tasks"
        yield pages.row(f"{what}, first page", [queue] * times)
        for name, part in (("middle", 0.5), ("end", 0.99)):
            tokens = [_token(server, queue, int(count * part))]
            while len(tokens) < times:  # each leads to the next
                tokens.append(_next(server, queue, tokens[-1]))
            yield pages.row(f"{what}, Next at the {name}", [f"{queue}?after={quote(token)}" for token in tokens])
        task = server.call(v2.CloudTasks.list_tasks, parent=queue, page_size=1).tasks[0].name.rpartition("/")[2]
        yield pages.row(f"{what}, by the beginning of an ID", [f"{queue}?q={task[:8]}"] * times)


def _token(server: Server, queue: str, depth: int) -> str:
    """The token that leads behind so many tasks, such as Next has when one has pressed it that often."""
    token = ""
    for _ in range(max(depth // STEP, 1)):
        token = _next(server, queue, token, STEP)
    return token


def _next(server: Server, queue: str, token: str, size: int = SHOWN) -> str:
    page = server.call(Operator.search_tasks, parent=queue, page_size=size, page_token=token, order_by="schedule_time")
    text: str = page.next_page_token
    return text


def _queues(plan: Plan) -> Iterator[Row]:
    count, times = plan.pick(10_000, 1_000), plan.pick(50, 10)
    with fresh() as server:
        make_queues(server, count)
        pages = Pages(server)
        what = f"console {count:,} queues"
        yield pages.row(f"{what}, the first look", ["queues"])
        for name, address in (
            ("list", "queues"),
            ("filter", "queues?q=many-77"),
            ("by name", "queues?sort=name"),
            ("Next", f"queues?sort=name&after={PARENT}/queues/many-{count // 2}"),
        ):
            yield pages.row(f"{what}, {name}", [address] * times, pause=0.05)


def _costs(plan: Plan) -> Iterator[Row]:
    count = plan.pick(40_000, 8_000)
    with handling() as handler, ExitStack() as stack:
        sides: dict[str, Callable[[], tuple[float, float]]] = {}
        for name, flags in ((OFF, ["--console", "off"]), (ON, []), (TEN, [])):
            server = stack.enter_context(running([*serve(MEMORY), *flags]))
            sides[name] = partial(_both, server, handler, count, plan.seconds * 2, looked_at=name == TEN)
        found = by_turns(plan.rounds, sides)
    for at, what in enumerate(("create", "dispatch")):
        for name in (ON, TEN):
            yield Row(
                f"console {name}, {what}",
                statistics.median(each[at] for each in found[name]),
                "us of processor",
                statistics.median(each[at] for each in found[OFF]),
                OFF,
                statistics.median(off[at] / on[at] for off, on in zip(found[OFF], found[name], strict=True)),
            )


def _both(server: Server, handler: Handler, count: int, seconds: float, *, looked_at: bool) -> tuple[float, float]:
    """Microseconds of the server's processor time for a create, and for a task from disk to done."""
    made = server.make_queue(f"made-{time.monotonic_ns()}", paused=True)
    done = server.make_queue(f"done-{time.monotonic_ns()}", paused=True, max_concurrent_dispatches=1000)
    with ExitStack() as stack:
        if looked_at:
            pages = [
                made,
                made,
                done,
                done,
                f"{done}/metrics",
                f"{done}/logs",
                "queues",
                "queues",
                "activity",
                "failures",
            ]
            stack.enter_context(looking(server.address, pages[:TABS]))
        load = server.load(CREATE, create_message(made, 50), seconds=seconds)
        fill(server, [done], count, handler.url)
        before = server.process.cpu()
        drained(server, handler, [done], count)
        dispatched = (server.process.cpu() - before) / count * 1e6
    server.call(v2.CloudTasks.purge_queue, name=made)
    return load.cpu_us, dispatched


class Pages:
    """The console of a server over one connection that stays open."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._connection = http.client.HTTPConnection(server.address, timeout=60)

    def row(self, what: str, addresses: Sequence[str], *, pause: float = 0.0) -> Row:
        """How long these pages took, by their median. With a ``pause`` after each they are spread over some seconds, in
        which the list of queues is made anew.
        """
        self._connection.close()  # one that stood idle the server has closed
        before, took = self._server.process.cpu(), []
        for address in addresses:
            took.append(self._took(address))
            time.sleep(pause)
        cpu = (self._server.process.cpu() - before) / len(addresses)
        details = {"worst_ms": round(max(took), 1), "processor_ms": round(cpu * 1e3, 1)}
        return Row(what, statistics.median(took), "ms", details=details)

    def _took(self, path: str) -> float:
        """Milliseconds until the page was there."""
        begin = time.perf_counter()
        self._connection.request("GET", f"/console/{path}")
        answer = self._connection.getresponse()
        answer.read()
        assert answer.status == 200, f"{path}: {answer.status}"
        return (time.perf_counter() - begin) * 1e3


if __name__ == "__main__":
    alone("console", measure)
