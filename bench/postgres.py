"""The store on PostgreSQL beside the one in a file, both on this machine: creates, batches, dispatch, live.

PostgreSQL is the one that tests bring, with ``fsync`` on; node and database share the cores.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from itertools import count as counting
from typing import Any

from tests.kit.postgres_server import postgres_server

from bench.backlog import first_dispatch, pages, resident_mib
from bench.batch import BODY
from bench.batch import SHAPE as BATCHES
from bench.dispatch import CONCURRENCY, numbered
from bench.floor import create_message
from bench.handler import Handler, handling
from bench.held_snapshot import SETTINGS, holding
from bench.live import live
from bench.load import USUAL, Shape
from bench.plan import Plan
from bench.rows import Row, beside, by_turns
from bench.server import Server, fresh, serve, serving, start
from bench.suite import alone
from bench.tasks import BATCH, batch_message, fill
from tidegate.schema import v2

OURS, FILE = "PostgreSQL", "SQLite"
QUEUES = {"1 queue": 1, "100 queues": 100}
HELD = 600.0, 60.0
"""Seconds for which a snapshot is held, in a full run and in a quick one."""

_numbers = counting()


def measure(plan: Plan) -> Iterator[Row]:
    with ExitStack() as stack:
        handler = stack.enter_context(handling())
        database = stack.enter_context(postgres_server(None, **SETTINGS))
        servers = {OURS: stack.enter_context(serving(database.url)), FILE: stack.enter_context(fresh())}

        def beside_file(what: str, unit: str, sides: Mapping[str, Callable[[], tuple[float, int]]]) -> Row:
            ran = by_turns(plan.rounds, sides)
            ours, file = ([rate for rate, _ in ran[name]] for name in (OURS, FILE))
            errors = sum(wrong for runs in ran.values() for _, wrong in runs)
            return beside(f"postgres {what}", unit, ours, file, FILE, errors=errors)

        for shape in (Shape(1, 1), USUAL):
            sides = {name: partial(_creates, server, shape, plan.seconds) for name, server in servers.items()}
            yield beside_file(f"create {shape}, 50 B", "calls/s", sides)
        sides = {name: partial(_batches, server, plan.seconds) for name, server in servers.items()}
        yield beside_file(f"batch of {BATCH} x {BODY} B", "tasks/s", sides)
        count = plan.pick(30_000, 8_000)
        from_disk = {name: numbered(server, handler, count) for name, server in servers.items()}
        for what, queues in QUEUES.items():
            rates = by_turns(plan.rounds, {name: partial(run, queues) for name, run in from_disk.items()})
            yield beside(f"postgres dispatch from {what}", "tasks/s", rates[OURS], rates[FILE], FILE)
        sides = {name: partial(_live, server, handler, 3 * plan.seconds) for name, server in servers.items()}
        yield beside_file("live create and dispatch at once", "tasks/s", sides)
        yield from _backlog(plan, f"{database.url}?schema=backlog")
        yield _held_snapshot(plan, handler, servers[OURS])


def _held_snapshot(plan: Plan, handler: Handler, other: Server) -> Row:
    """Creates and dispatches under a snapshot, beside another database in which nobody holds one."""

    def make(server: Server) -> tuple[str, bytes]:
        queue = _queue(server, "held", max_concurrent_dispatches=CONCURRENCY)
        return queue, create_message(queue, 50, url=handler.url)

    seconds = plan.pick(*HELD)
    with holding(seconds, make) as (server, _):
        sides = {"held": server, "not held": other}
        ran = by_turns(
            plan.rounds, {name: partial(_live, side, handler, 3 * plan.seconds) for name, side in sides.items()}
        )
    held, free = ([rate for rate, _ in ran[name]] for name in sides)
    errors = sum(wrong for runs in ran.values() for _, wrong in runs)
    what = f"postgres live under a snapshot held for {seconds:.0f} s"
    return beside(what, "tasks/s", held, free, "no snapshot", errors=errors)


def _backlog(plan: Plan, store: str) -> Iterator[Row]:
    """Many waiting tasks; seconds count from the start of the process."""
    count = plan.pick(1_000_000, 50_000)
    title = f"postgres backlog of {count:,}"
    with serving(store) as server:
        queue = server.make_queue("backlog", paused=True)
        server.make_queue("live")
        fill(server, [queue], count)
        yield Row(f"{title}, resident", resident_mib(server), "MiB")
    begin = time.perf_counter()
    server = start(serve(store))
    try:
        yield Row(f"{title}, first dispatch", first_dispatch(server, queue, begin), "s")
        yield from pages(title, server, queue, count)
        yield Row(f"{title}, resident after start", resident_mib(server), "MiB")
    finally:
        server.stop()


def _creates(server: Server, shape: Shape, seconds: float) -> tuple[float, int]:
    message = create_message(_queue(server, f"creates-{shape.connections}", paused=True), 50)
    load = server.load(v2.CloudTasks.create_task, message, seconds=seconds, shape=shape)
    return load.calls_per_second, load.errors


def _batches(server: Server, seconds: float) -> tuple[float, int]:
    message = batch_message(_queue(server, "batches", paused=True), BATCH, body=BODY)
    load = server.load(v2.CloudTasks.batch_create_tasks, message, seconds=seconds, shape=BATCHES)
    return load.calls_per_second * BATCH, load.errors


def _live(server: Server, handler: Handler, seconds: float) -> tuple[float, int]:
    queue = _queue(server, "live", max_concurrent_dispatches=CONCURRENCY)
    rate, _, errors = live(server, handler, queue, create_message(queue, 50, url=handler.url), seconds)
    return rate, errors


def _queue(server: Server, name: str, **settings: Any) -> str:
    """A queue of its own for each turn."""
    return server.make_queue(f"{name}-{next(_numbers)}", **settings)


if __name__ == "__main__":
    alone("postgres", measure)
