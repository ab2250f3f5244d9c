"""The handler of the tests: it notes every attempt that arrives, and does with each what the task's URL asks for.

The first part of the path is the script, one step an arrival, the last one for all that follow:
``/500,503,200`` answers 500, then 503, then 200 for good. A step is a status, ``reset`` (the connection is broken
off), either of them after so many milliseconds (``200~50``) or once the test says so (``200~told``), or ``hang``.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType

from tests.kit.serving_loop import stop_serving

BARRIER = "/barrier"


def wall() -> int:
    """This machine's wall clock in whole microseconds, the unit of the API's times."""
    return time.time_ns() // 1000


@dataclass(slots=True)
class Arrival:
    """One attempt as the handler saw it. Times: ``wall`` and ``ended`` in microseconds, ``at`` in monotonic seconds.

    ``ended`` is from just before the answer or the break, so that nobody can have seen it earlier.
    """

    queue: str
    task: str
    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes
    wall: int
    at: float
    life: int
    step: str
    ended: int | None = None
    closed: bool = False
    """The other side closed the connection instead of waiting for an answer."""

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def status(self) -> int | None:
        """The answer that was given, None without one."""
        return int(self.step[:3]) if self.ended is not None and self.step[:3].isdigit() else None

    @property
    def attempt(self) -> int:
        """The attempt's number, from 0."""
        return int(self.header("X-CloudTasks-TaskRetryCount") or -1)

    @property
    def eta(self) -> int:
        """``X-CloudTasks-TaskETA`` in microseconds."""
        whole, _, fraction = (self.header("X-CloudTasks-TaskETA") or "").partition(".")
        return int(whole) * 1_000_000 + int(fraction.ljust(6, "0"))


class Handler:
    """Runs in a thread of its own. ``life`` is noted in each arrival: which life of the server sent it."""

    def __init__(self) -> None:
        self.port = 0
        self.life = 0
        self._arrivals: defaultdict[tuple[str, str], list[Arrival]] = defaultdict(list)
        self._open: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._told: defaultdict[tuple[str, str], asyncio.Event] = defaultdict(asyncio.Event)
        self._thread = threading.Thread(target=self._run, name="handler")

    def __enter__(self) -> Handler:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def url(self, script: str, rest: str = "") -> str:
        return f"http://127.0.0.1:{self.port}/{script}{rest}"

    def arrivals(self, queue: str, task: str) -> list[Arrival]:
        return list(self._arrivals.get((queue, task), ()))

    def all_arrivals(self) -> dict[tuple[str, str], list[Arrival]]:
        """Every attempt seen so far, by queue and task, each in the order of arrival."""
        return {key: list(arrivals) for key, arrivals in list(self._arrivals.items())}

    def arrived(self, queue: str, task: str) -> int:
        return len(self._arrivals.get((queue, task), ()))

    def delivered(self, queue: str, task: str) -> bool:
        """Whether the task was answered 200."""
        return any(arrival.status == 200 for arrival in self.arrivals(queue, task))

    def tell(self, queue: str, task: str) -> None:
        """Answer the attempts of the task that wait to be told, and those that will."""
        self._loop.call_soon_threadsafe(self._told[queue, task].set)

    def next_life(self) -> None:
        """The server is dead: read all that it still sent, then count the attempts of its successor."""
        with socket.create_connection(("127.0.0.1", self.port)) as probe:
            # Connections are accepted in the order in which they came: when this one is answered, all of the dead
            # server's are accepted; once they have ended, all that it sent is read.
            probe.sendall(f"GET {BARRIER} HTTP/1.1\r\n\r\n".encode())
            assert probe.recv(1024).startswith(b"HTTP/1.1 200")
        give_up = time.monotonic() + 30
        while self._open:
            assert time.monotonic() < give_up, "connections of the dead server stay open"
            time.sleep(0.002)
        self.life += 1

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=4096))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        stop_serving(self._loop, server, self._open)
        self._loop.run_until_complete(server.wait_closed())
        self._loop.run_until_complete(asyncio.sleep(0))  # a turn of the loop in which transports close their sockets
        self._loop.close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = self._loop.create_task(self._converse(reader, writer))
        self._open.add(connection)
        connection.add_done_callback(self._open.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._attempt(reader, writer):
                    pass
        finally:
            writer.close()

    async def _attempt(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; False when the connection is over."""
        arrival = self._note((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"))
        if arrival is None:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            return False
        arrival.body = await reader.readexactly(int(arrival.header("Content-Length") or 0))
        what, _, milliseconds = arrival.step.partition("~")
        if what == "hang" or milliseconds:
            arrival.closed = await self._left(reader, arrival, milliseconds)
        if arrival.closed:
            return False
        arrival.ended = wall()
        if what == "reset":
            _break_off(writer)
            return False
        writer.write(f"HTTP/1.1 {what} Status\r\nContent-Length: 0\r\n\r\n".encode())
        return True

    async def _left(self, reader: asyncio.StreamReader, arrival: Arrival, until: str) -> bool:
        """Wait so many milliseconds, until told, or for ever; True as soon as the other side closes the connection."""
        leaving = asyncio.ensure_future(reader.read(1))  # nothing more comes but the end
        told = asyncio.ensure_future(self._told[arrival.queue, arrival.task].wait())
        waits = {leaving, told} if until == "told" else {leaving}
        seconds = int(until) / 1000 if until.isdigit() else None
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            return leaving.done()
        finally:
            told.cancel()
            leaving.cancel()
            await asyncio.gather(told, leaving, return_exceptions=True)

    def _note(self, head: str) -> Arrival | None:
        at, on_the_wall = time.monotonic(), wall()
        first, *lines = head.split("\r\n")[:-2]
        method, path, _ = first.split(" ")
        if path == BARRIER:
            return None
        headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        arrival = Arrival("", "", method, path, headers, b"", on_the_wall, at, self.life, "")
        arrival.queue = arrival.header("X-CloudTasks-QueueName") or ""
        arrival.task = arrival.header("X-CloudTasks-TaskName") or ""
        known = self._arrivals[arrival.queue, arrival.task]
        script = path.split("?")[0].split("/")[1].split(",")
        arrival.step = script[min(len(known), len(script) - 1)]
        known.append(arrival)
        return arrival


def _break_off(writer: asyncio.StreamWriter) -> None:
    """End the connection with RST instead of FIN."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
