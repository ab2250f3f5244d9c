"""What a snapshot that somebody holds costs the store on PostgreSQL while tasks pass by."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from tests.kit.postgres_server import postgres_server

from bench.http2 import Connection
from bench.server import Server, serving
from bench.tasks import CREATE, connected

RATE = 1000
"""Tasks a second that are created, dispatched and gone while the snapshot is held."""
TICKS = 10
"""In a second, with the tasks of each created at once."""
HOLD = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM tidegate.queues"
SETTINGS = {"shared_buffers": "128MB", "max_wal_size": "2GB"}
"""As a server for this load would have them; checkpoints are not what is measured."""


@contextmanager
def holding(seconds: float, make: Callable[[Server], tuple[str, bytes]]) -> Iterator[tuple[Server, str]]:
    """A server behind whose back a snapshot has been held for so long and goes on to be, and its queue. ``make`` makes
    the queue, and says what creates a task in it.
    """
    with postgres_server(None, **SETTINGS) as database, serving(database.url) as server:
        queue, message = make(server)
        with psycopg.connect(database.url, autocommit=True) as holder:
            holder.execute(HOLD.encode(), prepare=False)
            pass_by(server, queue, message, seconds)
            yield server, queue


def pass_by(server: Server, queue: str, message: bytes, seconds: float) -> None:
    """Create tasks evenly for so long, and wait until they are done."""

    async def steadily(connection: Connection) -> None:
        begin = time.perf_counter()
        for tick in range(round(seconds * TICKS)):
            await asyncio.sleep(max(0.0, begin + tick / TICKS - time.perf_counter()))
            await connection.call(CREATE.grpc_path, [message] * (RATE // TICKS))

    connected(server, steadily)
    while server.has_tasks(queue):
        time.sleep(0.05)
