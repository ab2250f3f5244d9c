"""A handler without manners: it records the bytes that come in and answers, or misbehaves, as it is told."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@dataclass
class Request:
    head: bytes
    body: bytes

    @property
    def line(self) -> str:
        return self.head.split(b"\r\n", 1)[0].decode()

    @property
    def headers(self) -> list[tuple[str, str]]:
        lines = self.head.decode("latin-1").split("\r\n")[1:-2]
        return [(name, value) for name, _, value in (line.partition(": ") for line in lines)]

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass
class Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """End the connection with RST instead of FIN."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def closed_by_peer(self) -> bool:
        """Wait until the other side is gone; it may not send anything before."""
        try:
            return await self.reader.read(1) == b""
        except ConnectionError:
            return True


# What a handler does with one request. Returning False ends the connection.
Step = Callable[[Connection], Awaitable[bool]]


def say(data: bytes, *, then_close: bool = False) -> Step:
    """Answer with exactly these bytes."""

    async def step(connection: Connection) -> bool:
        await connection.say(data)
        return not then_close

    return step


def answer(status: int, *headers: str, body: bytes = b"") -> Step:
    """A well-formed answer."""
    lines = [f"HTTP/1.1 {status} Status", *headers, f"Content-Length: {len(body)}", "", ""]
    return say("\r\n".join(lines).encode("latin-1") + body)


def hang_up(after: bytes = b"") -> Step:
    """Close the connection, if wanted in the middle of an answer."""
    return say(after, then_close=True)


def reset(after: bytes = b"") -> Step:
    """Break the connection off; ``after`` was answered and read before."""

    async def step(connection: Connection) -> bool:
        if after:
            await connection.say(after)
        connection.reset()
        return False

    return step


def silence(after: bytes = b"") -> Step:
    """Say ``after`` and then nothing more until the other side gives up."""

    async def step(connection: Connection) -> bool:
        await connection.say(after)
        await connection.closed_by_peer()
        return False

    return step


def endless(start: bytes, piece: bytes) -> Step:
    """Say ``start`` and then ``piece`` again and again, until the other side hangs up."""

    async def step(connection: Connection) -> bool:
        await connection.say(start)
        while True:
            await connection.say(piece)

    return step


@dataclass
class RawHandler:
    """``steps`` are taken one for each request; the last one stays."""

    steps: list[Step] = field(default_factory=lambda: [say(OK)])
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    host: str = "127.0.0.1"
    tls: ssl.SSLContext | None = None

    @property
    def scheme(self) -> str:
        return "https" if self.tls else "http"

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"

    def url(self, path: str = "/task") -> str:
        return self.origin + path

    def does(self, *steps: Step) -> None:
        self.steps = list(steps)

    def greeted(self, *_hello: object) -> None:
        """A client has begun its handshake, which may fail: then ``serve`` never hears of it."""
        self.connections += 1

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.tls is None:
            self.connections += 1
        connection = Connection(reader, writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                request = Request(head, b"")
                request.body = await reader.readexactly(int(request.header("content-length") or 0))
                self.requests.append(request)
                step = self.steps[0] if len(self.steps) == 1 else self.steps.pop(0)
                if not await step(connection):
                    break
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            if self.tls:
                writer.transport.abort()  # a failed handshake leaves nothing that close() could say good-bye to
            else:
                writer.close()
            self.ended.set()


@asynccontextmanager
async def raw_handler(
    host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[RawHandler]:
    handler = RawHandler(tls=tls)
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(handler.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    if tls is not None:
        tls.sni_callback = handler.greeted
    server = await asyncio.start_server(accept, host, port, ssl=tls)
    handler.port = server.sockets[0].getsockname()[1]
    try:
        yield handler
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
        for _ in range(3):  # turns of the loop in which transports close their sockets
            await asyncio.sleep(0)


PORTS_TRIED = 50


@asynccontextmanager
async def raw_handlers(*hosts: str) -> AsyncIterator[dict[str, RawHandler]]:
    """A handler at each of the hosts, all on one port."""
    async with AsyncExitStack() as stack:
        for _ in range(PORTS_TRIED):
            async with AsyncExitStack() as attempt:
                try:
                    first = await attempt.enter_async_context(raw_handler(hosts[0]))
                    rest = [await attempt.enter_async_context(raw_handler(host, first.port)) for host in hosts[1:]]
                except OSError:
                    continue  # somebody has that port at one of the hosts
                stack.push_async_exit(attempt.pop_all())
                break
        else:
            raise AssertionError("no port is free at all hosts")
        yield dict(zip(hosts, [first, *rest], strict=True))
