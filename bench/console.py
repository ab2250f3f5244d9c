"""The console: pages of a million tasks and of 10,000 queues, and what looking costs those who create and dispatch.

A page's time is from the request to the last byte, over one connection on this machine. What looking costs is processor
time of the server for each task, beside a server without console that takes turns with it.
"""

from __future__ import annotations

import http.client
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
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
from bench.tabs import SPACING, looking
from bench.tasks import fill
from tidegate.schema import v2
from tidegate.schema.operator import Operator

SHOWN = 50
"""Tasks of a page."""
STEP = 1_000
"""Tasks of a call that leads into the depth of a queue."""
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
        made = [_named(server, queue, number) for number in range(times)]
        yield pages.row(f"{what}, by the beginning of an ID", [f"{queue}?q={each}" for each in made])


def _named(server: Server, queue: str, number: int) -> str:
    """A task among the others, and the beginning of its ID, which no other has."""
    beginning = f"order-{number:04}"
    task = {"name": f"{queue}/tasks/{beginning}-sent", "http_request": {"url": "http://127.0.0.1:9/"}}
    server.call(v2.CloudTasks.create_task, parent=queue, task=task)
    return beginning


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
        pages.row("", ["server"])  # what a process does for its first page is none of the list's
        yield pages.row(f"{what}, the first look", ["queues"])
        for name, address in (
            ("list", "queues"),
            ("filter", "queues?q=many-77"),
            ("by name", "queues?sort=name"),
            ("Next", f"queues?sort=name&after={PARENT}/queues/many-{count // 2}"),
        ):
            yield pages.row(f"{what}, {name}", [address] * times, pause=0.05)


def _costs(plan: Plan) -> Iterator[Row]:
    """In many short turns, because no other cost is so small: from one second to the next a machine changes by more."""
    turns = plan.rounds * plan.pick(4, 1)
    with handling() as handler, ExitStack() as stack:
        sides: dict[str, Side] = {}
        for name, flags in ((OFF, ["--console", "off"]), (ON, []), (TEN, [])):
            server = stack.enter_context(running([*serve(MEMORY), *flags]))
            side = sides[name] = Side(server, handler, plan)
            if name == TEN:
                stack.enter_context(looking(side.server.address, side.pages))
        for what in ("create", "dispatch"):
            measured = {name: side.costs[what] for name, side in sides.items()}
            by_turns(1, measured)  # what comes first costs more
            found = by_turns(turns, measured)
            for name in (ON, TEN):
                yield Row(
                    f"console {name}, {what}",
                    statistics.fmean(found[name]),
                    "us of processor",
                    statistics.fmean(found[OFF]),
                    OFF,
                    statistics.fmean(found[OFF]) / statistics.fmean(found[name]),
                    details={"spread_of_turns": round(statistics.pstdev(found[OFF]) / statistics.fmean(found[OFF]), 3)},
                )


class Side:
    """A server, and what it spends on a task in microseconds of processor time."""

    def __init__(self, server: Server, handler: Handler, plan: Plan) -> None:
        self.server = server
        self._seconds = plan.seconds * SPACING  # tabs ask once in a turn
        self._count = plan.pick(8_000, 2_000)
        self._handler = handler
        self._made = server.make_queue("made", paused=True)
        self._done = server.make_queue("done", paused=True, max_concurrent_dispatches=1000)
        self.costs = {"create": self._create, "dispatch": self._dispatch}

    @property
    def pages(self) -> list[str]:
        """Ten tabs, as people have them: two queues with their tabs, the list, and what happens."""
        made, done = self._made, self._done
        return [made, made, done, done, f"{done}/metrics", f"{done}/logs", "queues", "queues", "activity", "failures"]

    def _create(self) -> float:
        load = self.server.load(v2.CloudTasks.create_task, create_message(self._made, 50), seconds=self._seconds)
        self.server.call(v2.CloudTasks.purge_queue, name=self._made)
        return load.cpu_us

    def _dispatch(self) -> float:
        self.server.call(v2.CloudTasks.pause_queue, name=self._done)
        fill(self.server, [self._done], self._count, self._handler.url)
        before = self.server.process.cpu()
        drained(self.server, self._handler, [self._done], self._count)
        return (self.server.process.cpu() - before) / self._count * 1e6


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
