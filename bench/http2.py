"""A gRPC client that costs next to nothing, to load a server from the same machine: frames built and read by hand.

h2load repeats one message; here each call has its own. All calls of a connection share one encoded block of headers,
and the server is told to keep no table of headers, so that its trailers can be told apart by their bytes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from hpack import Decoder, Encoder

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
ACK = END_STREAM = 1
END_HEADERS = 4
TABLE_SIZE, MAX_STREAMS, INITIAL_WINDOW = 1, 3, 4
FRAME_MAX = 16_384  # bytes; what every server takes
LARGEST_WINDOW = 2**31 - 1
FIRST_WINDOW = 65_535  # of a connection, before anybody says otherwise; RFC 9113, 6.9.2


class Connection(asyncio.Protocol):
    """One connection. ``call`` makes many calls and waits for all of them.

    So many are under way ``at_once``, or fewer where the server says so. A request must fit into the window of a
    stream, which is 64 KiB for servers that say nothing else.
    """

    def __init__(self, authority: str, at_once: int = LARGEST_WINDOW) -> None:
        self._authority = authority
        self._at_once = at_once
        self._open = 0
        self._blocks: dict[str, bytes] = {}
        self._refusals: dict[bytes, str] = {}
        self._received = bytearray()
        self._unread = 0  # bytes of data that the server was not yet told about
        self._window = FIRST_WINDOW
        self._next = 1
        self._answers: dict[int, list[bytes]] = {}
        self._waiting: deque[bytes] = deque()
        self._left = 0
        self._done: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(cls, host: str, port: int, at_once: int = LARGEST_WINDOW) -> Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: cls(f"{host}:{port}", at_once), host, port)
        return connection

    async def call(self, path: str, messages: Sequence[bytes]) -> list[bytes]:
        """The answers to calls of one method, in their order. Raises RuntimeError when one is not OK."""
        first = self._next
        block = self._blocks.get(path) or self._encode(path)
        for message in messages:
            body = b"\0" + len(message).to_bytes(4, "big") + message
            self._waiting.append(_frame(HEADERS, END_HEADERS, self._next, block) + _data(self._next, body))
            self._answers[self._next] = []
            self._next += 2
        self._left = len(messages)
        self._done = asyncio.get_running_loop().create_future()
        self._send()
        await self._done
        return [b"".join(self._answers.pop(first + 2 * number))[5:] for number in range(len(messages))]

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        settings = TABLE_SIZE.to_bytes(2, "big") + bytes(4)
        settings += INITIAL_WINDOW.to_bytes(2, "big") + LARGEST_WINDOW.to_bytes(4, "big")
        transport.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(SETTINGS, 0, 0, settings))
        transport.write(_frame(WINDOW_UPDATE, 0, 0, (LARGEST_WINDOW - FIRST_WINDOW).to_bytes(4, "big")))

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"the connection is gone: {exc}")

    def data_received(self, data: bytes) -> None:
        self._received += data
        received, start, end = self._received, 0, len(self._received)
        while end - start >= 9:
            size = int.from_bytes(received[start : start + 3], "big")
            if end - start < 9 + size:
                break
            body = start + 9
            self._frame(
                received[start + 3],
                received[start + 4],
                int.from_bytes(received[start + 5 : body], "big"),
                bytes(received[body : body + size]),
            )
            start = body + size
        del received[:start]
        if self._waiting:
            self._send()

    def _frame(self, kind: int, flags: int, stream: int, body: bytes) -> None:
        if kind == DATA:
            self._answers[stream].append(body)
            self._unread += len(body)
            if self._unread > LARGEST_WINDOW // 2:
                self._write(_frame(WINDOW_UPDATE, 0, 0, self._unread.to_bytes(4, "big")))
                self._unread = 0
        elif kind == HEADERS and flags & END_STREAM:
            self._ended(body)
        elif kind == WINDOW_UPDATE and stream == 0:
            self._window += int.from_bytes(body, "big")
        elif kind == SETTINGS and not flags & ACK:
            self._at_once = min(self._at_once, _max_streams(body))
            self._write(_frame(SETTINGS, ACK, 0, b""))
        elif kind == PING and not flags & ACK:
            self._write(_frame(PING, ACK, 0, body))
        elif kind in {RST_STREAM, GOAWAY}:
            self._fail(f"the server ended stream {stream} with code {int.from_bytes(body[-4:], 'big')}")

    def _ended(self, trailers: bytes) -> None:
        if trailers not in self._refusals:
            self._refusals[trailers] = _refusal(trailers)
        if refusal := self._refusals[trailers]:
            self._fail(refusal)
        self._left -= 1
        self._open -= 1
        if not self._left and self._done is not None and not self._done.done():
            self._done.set_result(None)

    def _send(self) -> None:
        """As many calls as there is room for; more follow when the server says so, or calls have ended."""
        now = []
        while self._waiting and self._open < self._at_once and self._window >= len(self._waiting[0]):
            call = self._waiting.popleft()
            self._open += 1
            self._window -= len(call)  # headers do not count, so this is on the safe side
            now.append(call)
        if now:
            self._write(b"".join(now))

    def _write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)

    def _fail(self, why: str) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_exception(RuntimeError(why))

    def _encode(self, path: str) -> bytes:
        encoder = Encoder()
        headers: Mapping[str, str] = {
            ":method": "POST",
            ":scheme": "http",
            ":path": path,
            ":authority": self._authority,
            "content-type": "application/grpc",
            "te": "trailers",
            "grpc-timeout": "60S",
        }
        # Sensitive headers go into no table: the block means the same each time it is sent.
        block = self._blocks[path] = bytes(encoder.encode([(name, text, True) for name, text in headers.items()]))
        return block


def _refusal(trailers: bytes) -> str:
    """What the trailers say against a call; nothing when it is OK."""
    said: dict[Any, Any] = dict(Decoder().decode(trailers))
    return "" if said.get("grpc-status") == "0" else f"{said.get('grpc-status')}: {said.get('grpc-message')}"


def _max_streams(settings: bytes) -> int:
    """How many calls the server takes at once."""
    for start in range(0, len(settings), 6):
        if int.from_bytes(settings[start : start + 2], "big") == MAX_STREAMS:
            return int.from_bytes(settings[start + 2 : start + 6], "big")
    return LARGEST_WINDOW


def _data(stream: int, body: bytes) -> bytes:
    """A request's only message."""
    last = (len(body) - 1) // FRAME_MAX * FRAME_MAX
    parts = [_frame(DATA, 0, stream, body[start : start + FRAME_MAX]) for start in range(0, last, FRAME_MAX)]
    return b"".join(parts) + _frame(DATA, END_STREAM, stream, body[last:])


def _frame(kind: int, flags: int, stream: int, body: bytes) -> bytes:
    return len(body).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + body
