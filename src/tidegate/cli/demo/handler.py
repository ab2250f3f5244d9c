"""The demo's handler: a small HTTP/1.1 server that answers as planned and notes each attempt."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self

from msgspec import Struct

from tidegate.cli.demo.plan import OK, DemoQueue, DemoTask

TICK = 0.01  # seconds
BAD_REQUEST = 400


class ArrivedAttempt(Struct, frozen=True):
    """What the handler saw of one attempt; moments in seconds since 1970, by the clock that the server has too."""

    queue: str
    task: str
    retries: int  # attempts before this one, as the server said
    due: float  # as the server said
    arrived: float
    answered: float
    status: int


class Handler:
    """Answers as planned. ``attempts`` are complete once ``all_done`` is set: each task delivered or given up."""

    def __init__(self, queues: Iterable[DemoQueue], tasks: Iterable[DemoTask]) -> None:
        self._tasks = {(task.queue, task.id): task for task in tasks}
        self._max_attempts = {queue.id: queue.max_attempts for queue in queues}
        self._connections: set[asyncio.Task[None]] = set()
        self.attempts: list[ArrivedAttempt] = []
        self.delivered: Counter[str] = Counter()
        self.retries: Counter[str] = Counter()
        self.given_up: Counter[str] = Counter()
        self.in_flight: Counter[str] = Counter()
        self._arrivals: dict[str, list[float]] = defaultdict(list)
        self.all_done = asyncio.Event()
        self.puzzle = ""  # the first request that no attempt should look like
        self.lag = 0.0  # the most that this process was late, and an arrival may have been seen late

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        self._ticking = asyncio.create_task(self._tick())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in (self._ticking, *self._connections):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def expect(self, tasks: Iterable[DemoTask]) -> None:
        """Answer these from now on, and forget the attempts so far."""
        self._tasks = {(task.queue, task.id): task for task in tasks}
        self.attempts.clear()
        self._arrivals.clear()

    @property
    def url(self) -> str:
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"http://{host}:{port}"

    @property
    def done(self) -> int:
        """Tasks that are delivered or given up."""
        return self.delivered.total() + self.given_up.total()

    def in_last_second(self, queue: str) -> int:
        """Attempts of a queue that arrived within the last second."""
        arrivals = self._arrivals[queue]
        return len(arrivals) - bisect(arrivals, time.time() - 1)

    async def _tick(self) -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(TICK)
            if self._arrivals:  # sending the tasks kept us busy before; nobody measured then
                self.lag = max(self.lag, time.monotonic() - before - TICK)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:  # never: we run in one
            return
        self._connections.add(task)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                while True:
                    status = await self._answer(await _read_headers(reader))
                    writer.write(b"HTTP/1.1 %d Demo\r\nContent-Length: 0\r\n\r\n" % status)
        finally:
            self._connections.discard(task)
            writer.close()

    async def _answer(self, headers: dict[str, str]) -> int:
        """The status for a request. A request that is not of the plan is noted and refused."""
        try:
            queue, name = headers["x-cloudtasks-queuename"], headers["x-cloudtasks-taskname"]
            retries, due = int(headers["x-cloudtasks-taskretrycount"]), float(headers["x-cloudtasks-tasketa"])
            task = self._tasks[queue, name]
        except (KeyError, ValueError) as error:
            self.puzzle = self.puzzle or f"{error} is missing or wrong in a request with the headers {headers}"
            return BAD_REQUEST
        return await self._attempt(task, retries, due)

    async def _attempt(self, task: DemoTask, retries: int, due: float) -> int:
        arrived = time.time()
        self.in_flight[task.queue] += 1
        self._arrivals[task.queue].append(arrived)
        self.retries[task.queue] += retries > 0
        if task.takes:
            await asyncio.sleep(task.takes)
        status = task.answer(retries)
        self.in_flight[task.queue] -= 1
        if status == OK:
            self.delivered[task.queue] += 1
        elif retries + 1 >= self._max_attempts[task.queue]:
            self.given_up[task.queue] += 1
        self.attempts.append(ArrivedAttempt(task.queue, task.id, retries, due, arrived, time.time(), status))
        if self.done >= len(self._tasks):
            self.all_done.set()
        return status


async def _read_headers(reader: asyncio.StreamReader) -> dict[str, str]:
    """One request; its body is read and dropped."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    lines = (line.partition(":") for line in head.split("\r\n")[1:] if line)
    headers = {name.lower(): value.strip() for name, _, value in lines}
    await reader.readexactly(int(headers.get("content-length", "0")))
    return headers
