"""A handler that does its worst: what it does to an attempt stands in the URL's path."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import struct
import threading
import time
from collections import Counter
from types import TracebackType

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
BOMB = gzip.compress(bytes(10_000_000))
KIND = "HTTP/1.1 200 OK\r\n"


class HostileHandler:
    """Runs in a thread of its own. ``late`` are the seconds by which polite calls came after their time."""

    def __init__(self) -> None:
        self.port = 0
        self.arrived: Counter[str] = Counter()
        self.open = 0
        self.most_open = 0
        self.late: list[float] = []
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="hostile handler")

    def __enter__(self) -> HostileHandler:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def url(self, deed: str) -> str:
        return f"http://127.0.0.1:{self.port}/{deed}"

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        start = asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=8192, limit=4096)
        server = self._loop.run_until_complete(start)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in self._tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))
        self._loop.run_until_complete(asyncio.sleep(0.1))  # turns of the loop in which transports let go
        self._loop.close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._converse(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._deed(reader, writer):
                    pass
        finally:
            self.open -= 1
            writer.transport.abort()

    async def _deed(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Do to one request what its path says; True when the connection may go on."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        arrived = time.time()
        headers = dict(line.split(": ", 1) for line in head.lower().split("\r\n")[1:-2])
        deed = head.split(" ", 2)[1].strip("/")
        self.arrived[deed] += 1
        match deed:
            case "polite":
                await reader.readexactly(int(headers.get("content-length", "0")))
                self.late.append(arrived - float(headers["x-cloudtasks-tasketa"]))
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
