"""Handlers that take HTTP/2 alone: no attempt reaches them, and each ends at once, with a reason."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.exceptions import ProtocolError
from tests.delivery.calls import call
from tests.delivery.certificates import Authority
from tests.delivery.conftest import StoppedClock

from tidegate.core.lifecycle import Outcome
from tidegate.delivery.http_sender import HttpSender

NO_APPLICATION_PROTOCOL = bytes([21, 3, 3, 0, 2, 2, 120])
"""TLS's alert of servers that speak none of the protocols that the client offers."""

NO_ANSWER = {"answer is not HTTP", "connection closed without an answer", "connection reset"}
"""The greeting and the request cross, so any of them may be seen first."""


@asynccontextmanager
async def http2_handler(tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port of a server that greets in HTTP/2 and hangs up on whoever does not."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = H2Connection(H2Configuration(client_side=False))
        connection.initiate_connection()
        writer.write(connection.data_to_send())
        with suppress(ProtocolError):
            connection.receive_data(await reader.read(65536))
        writer.write(connection.data_to_send())
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls) as server:
        yield server.sockets[0].getsockname()[1]


async def test_a_handler_that_takes_http2_alone_gives_no_answer(sender: HttpSender) -> None:
    async with http2_handler() as port:
        outcome = await sender.send(call(f"http://127.0.0.1:{port}/", body=b"body"), None)
    assert outcome.http_status == 0
    assert outcome.reason in NO_ANSWER


async def test_nor_does_it_over_tls(tmp_path: Path, clock: StoppedClock) -> None:
    authority = Authority(tmp_path)
    tls = authority.server("localhost")
    tls.set_alpn_protocols(["h2"])
    sender = HttpSender(clock, trusted_roots=authority.pem)
    async with http2_handler(tls) as port:
        outcome = await sender.send(call(f"https://localhost:{port}/", body=b"body"), None)
    await sender.close()
    assert outcome.http_status == 0
    assert outcome.reason in NO_ANSWER


async def test_it_may_refuse_the_handshake(sender: HttpSender) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(NO_APPLICATION_PROTOCOL)
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        outcome = await sender.send(call(f"https://127.0.0.1:{port}/", body=b"body"), None)
    assert outcome == Outcome(reason="TLS handshake failed")
