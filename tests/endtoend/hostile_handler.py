"""A handler that does its worst: what it does to an attempt stands in the URL's path."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import multiprocessing
import socket
import struct
import time
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from types import TracebackType

import uvloop

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
BOMB = gzip.compress(bytes(10_000_000))
KIND = "HTTP/1.1 200 OK\r\n"


class HostileHandler:
    """A handler in a process of its own: what it takes of the interpreter is not the test's, nor another handler's."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_run, args=(theirs,), name="hostile handler", daemon=True)
        self.port = 0

    def __enter__(self) -> HostileHandler:
        self._process.start()
        self.port = self._pipe.recv()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pipe.close()
        self._process.join()

    def url(self, deed: str) -> str:
        return f"http://127.0.0.1:{self.port}/{deed}"

    def seen(self) -> Seen:
        """What it has seen until now."""
        self._pipe.send("seen")
        seen: Seen = self._pipe.recv()
        return seen

    def forget(self) -> None:
        """Begin ``Seen.late`` anew."""
        self._pipe.send("forget")


@dataclass
class Seen:
    """``late`` are the seconds by which polite calls came after their time."""

    arrived: Counter[str] = field(default_factory=Counter)
    open: int = 0
    most_open: int = 0
    late: list[float] = field(default_factory=list)


def _run(pipe: Connection) -> None:
    uvloop.run(_serve(pipe))


async def _serve(pipe: Connection) -> None:
    """Do what is asked through the pipe until it is closed."""
    deeds = Deeds()
    async with await asyncio.start_server(deeds.accept, "127.0.0.1", 0, backlog=8192, limit=4096) as server:
        pipe.send(server.sockets[0].getsockname()[1])
        loop, closed = asyncio.get_running_loop(), asyncio.Event()

        def asked() -> None:
            try:
                if pipe.recv() == "seen":
                    pipe.send(deeds.seen)
                else:
                    deeds.seen.late.clear()
            except (EOFError, OSError):
                loop.remove_reader(pipe.fileno())
                closed.set()

        loop.add_reader(pipe.fileno(), asked)
        await closed.wait()
        await deeds.stop()


class Deeds:
    """The handler's own side."""

    def __init__(self) -> None:
        self.seen = Seen()
        self._tasks: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._converse(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.seen.open += 1
        self.seen.most_open = max(self.seen.most_open, self.seen.open)
        try:
            # A RuntimeError is how uvloop says that the other side hung up while we were writing.
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError, RuntimeError):
                while await self._deed(reader, writer):
                    pass
        finally:
            self.seen.open -= 1
            writer.transport.abort()

    async def _deed(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Do to one request what its path says; True when the connection may go on."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        arrived = time.time()
        headers = dict(line.split(": ", 1) for line in head.lower().split("\r\n")[1:-2])
        deed = head.split(" ", 2)[1].strip("/")
        self.seen.arrived[deed] += 1
        match deed:
            case "polite":
                await reader.readexactly(int(headers.get("content-length", "0")))
                self.seen.late.append(arrived - float(headers["x-cloudtasks-tasketa"]))
                writer.write(OK)
                return True
            case "hang":  # its body is not even read
                await asyncio.sleep(3600)
            case "reset":
                raw: socket.socket = writer.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            case "drip":
                for byte in KIND + "X: " + "y" * 3600:
                    writer.write(byte.encode())
                    await writer.drain()
                    await asyncio.sleep(0.5)
            case "headers":
                await self._for_ever(writer, KIND.encode(), b"X-More: " + b"x" * 4000 + b"\r\n")
            case "flood":
                await self._for_ever(writer, f"{KIND}Content-Length: {2 * 2**30}\r\n\r\n".encode(), bytes(65536))
            case "bomb":
                writer.write(f"{KIND}Content-Encoding: gzip\r\nContent-Length: {len(BOMB)}\r\n\r\n".encode() + BOMB)
                await writer.drain()
                return True
        return False

    @staticmethod
    async def _for_ever(writer: asyncio.StreamWriter, start: bytes, piece: bytes) -> None:
        writer.write(start)
        while True:
            writer.write(piece)
            await writer.drain()
