"""Clients that keep the HTTP server itself busy: resets, floods of frames, silent and slow connections."""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import hpack
import httpx
import pytest
from tests.endtoend.server import Server
from tests.hostile.conftest import Unharmed
from tests.hostile.requests import QUEUE

LONG = "HOSTILE" in os.environ
FLOOD = 200_000 if LONG else 20_000
"""Frames of one flood."""
IDLE = 5_000 if LONG else 1_000
"""Connections of one client."""

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS = 1, 4


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def head(path: str, method: str = "GET", **fields: str) -> bytes:
    """The fields of a request, compressed without a table that the next ones would need."""
    pseudo = [(":method", method), (":scheme", "http"), (":authority", "localhost"), (":path", path)]
    encoder = hpack.Encoder()
    encoder.header_table_size = 0
    encoded: bytes = encoder.encode([*pseudo, *((name.replace("_", "-"), value) for name, value in fields.items())])
    return encoded


@contextmanager
def http2(server: Server) -> Iterator[socket.socket]:
    """A connection that speaks HTTP/2, with nothing asked yet."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as wire:
        wire.sendall(PREFACE + frame(SETTINGS, 0, 0))
        yield wire


def pour(wire: socket.socket, parts: Iterator[bytes]) -> None:
    """Send until the end, or until the server hangs up. What comes back is read and dropped."""
    wire.setblocking(False)
    for part in parts:
        left = memoryview(part)
        while left:
            if hung_up(wire):
                return
            try:
                left = left[wire.send(left) :]
            except BlockingIOError:
                time.sleep(0.001)
            except ConnectionError:
                return


def hung_up(wire: socket.socket) -> bool:
    """Whether the other side has, once all that came from it was read."""
    try:
        while wire.recv(1 << 20):
            pass
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    return True


def odd(count: int) -> Iterator[int]:
    return iter(range(1, 2 * count, 2))


GET = head(f"/v2/{QUEUE}")

FLOODS: dict[str, Callable[[], Iterator[bytes]]] = {
    "resets": lambda: (
        frame(HEADERS, END_HEADERS | END_STREAM, stream, GET) + frame(RST_STREAM, 0, stream, struct.pack(">I", 8))
        for stream in odd(FLOOD)
    ),
    "settings": lambda: (frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 65_535)) for _ in range(FLOOD)),
    "pings": lambda: (frame(PING, 0, 0, bytes(8)) for _ in range(FLOOD)),
    "empty data": lambda: (
        frame(HEADERS, END_HEADERS, 1, head(f"/v2/{QUEUE}", "POST")) if number == 0 else frame(DATA, 0, 1)
        for number in range(FLOOD)
    ),
    "continuations": lambda: (
        frame(HEADERS, 0, 1, GET) if number == 0 else frame(CONTINUATION, 0, 1, b"") for number in range(FLOOD)
    ),
    "window updates": lambda: (frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1)) for _ in range(FLOOD)),
}


@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_of_frames_holds_nobody_up(flood: str, server: Server, unharmed: Unharmed) -> None:
    def attack() -> None:
        with http2(server) as wire:
            pour(wire, FLOODS[flood]())

    unharmed(f"flood of {flood}", attack)


def test_a_client_that_resets_all_it_asks_for_is_hung_up_on(server: Server) -> None:
    with http2(server) as wire:
        pour(wire, FLOODS["resets"]())
        wire.setblocking(True)
        rest = b""
        try:
            while part := wire.recv(1 << 20):
                rest += part
        except ConnectionError:
            pass  # it is gone either way


def test_two_greedy_clients_hold_nobody_up(server: Server, unharmed: Unharmed) -> None:
    def greedy() -> Iterator[bytes]:
        return (frame(HEADERS, END_HEADERS | END_STREAM, stream, GET) for stream in odd(FLOOD // 10))

    def attack() -> None:
        with http2(server) as first, http2(server) as second:
            pour(first, greedy())
            pour(second, greedy())

    unharmed("two clients with all the streams they may have", attack)


def test_connections_that_say_nothing_hold_nobody_up_and_are_closed(server: Server, unharmed: Unharmed) -> None:
    with ExitStack() as stack:
        silent: list[socket.socket] = []

        def attack() -> None:
            silent.extend(
                stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=60))
                for _ in range(IDLE)
            )

        unharmed("connections that say nothing", attack)
        assert httpx.get(f"http://{server.address}/healthz").status_code == 200
        for wire in silent[:50]:
            assert wire.recv(1) == b""


def test_heads_that_come_byte_by_byte_hold_nobody_up(server: Server, unharmed: Unharmed) -> None:
    text = f"GET /v2/{QUEUE} HTTP/1.1\r\nHost: localhost\r\nX: ".encode()

    def attack() -> None:
        with ExitStack() as stack:
            slow = [
                stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=60))
                for _ in range(IDLE // 5)
            ]
            for number in range(len(text) + 20):
                for wire in slow:
                    wire.sendall(text[number : number + 1] or b"x")

    unharmed("heads that come byte by byte", attack)
