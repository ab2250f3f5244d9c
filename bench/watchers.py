"""What watchers of events cost who do not read, or of whose projects nothing happens: processor time of a create.

Fifty of them begin to look on over HTTP/1.1 with each turn of ten seconds, beside the same server without any in the
same run. What is not read for five seconds ends, so a turn has all that they can cost.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from functools import partial

from bench.floor import create_message
from bench.load import USUAL
from bench.plan import Plan
from bench.rows import Row, beside, by_turns
from bench.server import Server, fresh
from bench.suite import alone
from tidegate.schema import v2

WATCHERS = 50
UNIT = "us of a core"
WITHOUT = "without watchers"
EVERYTHING, NOTHING = "-", "projects/other/locations/other"
SMALL = 4096
"""Bytes that the system keeps for a watcher who does not read."""


def measure(plan: Plan) -> Iterator[Row]:
    rounds, seconds = plan.pick(5, 2), plan.pick(10.0, 2.0)
    with fresh() as server:
        message = create_message(server.make_queue("q", paused=True), 50)
        create = partial(microseconds, server, message, seconds)
        sides = {
            "without": partial(create, None),
            "not reading": partial(create, EVERYTHING),
            "idle": partial(create, NOTHING),
        }
        spent = by_turns(rounds, sides)
        for name in ("not reading", "idle"):
            yield beside(f"watchers {name}, {WATCHERS}: create", UNIT, spent[name], spent["without"], WITHOUT)


def microseconds(server: Server, message: bytes, seconds: float, parent: str | None) -> float:
    """Processor time that the server spends on a create while others watch ``parent``."""
    with contextlib.ExitStack() as stack:
        for _ in range(0 if parent is None else WATCHERS):
            stack.enter_context(watching(server, str(parent)))
        return server.load(v2.CloudTasks.create_task, message, seconds=seconds, shape=USUAL).cpu_us


@contextlib.contextmanager
def watching(server: Server, parent: str) -> Iterator[None]:
    """Somebody who asks for events and reads no more than that they come."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        one.connect((server.host, server.port))
        one.sendall(f"GET /operator/v1/{parent}/events:watch HTTP/1.1\r\nHost: {server.address}\r\n\r\n".encode())
        answer = one.recv(12)
        if answer != b"HTTP/1.1 200":
            raise RuntimeError(f"no events to watch: {answer!r}")
        yield


if __name__ == "__main__":
    alone("watchers", measure)
