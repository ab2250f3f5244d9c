"""From the command to the first answered call, on an empty store, beside an application that has nothing to open."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import partial

from bench.floor import command
from bench.plan import Plan
from bench.rows import Row, beside, by_turns
from bench.server import scratch, serve, start
from bench.suite import alone


def measure(plan: Plan) -> Iterator[Row]:
    with scratch() as folder:
        store = folder / "tidegate.db"
        seconds_to_ready(serve(store))  # makes the store
        took = by_turns(
            plan.rounds,
            {"floor": partial(seconds_to_ready, command()), "ours": partial(seconds_to_ready, serve(store))},
        )
    yield beside("startup on an empty store", "s", took["ours"], took["floor"], "empty app")


def seconds_to_ready(line: Sequence[str]) -> float:
    """Start it, wait for its word that it answers, stop it."""
    begin = time.perf_counter()
    server = start(line)
    took = time.perf_counter() - begin
    server.stop()
    return took


if __name__ == "__main__":
    alone("startup", measure)
