"""Certificates of handlers, and handshakes that fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.delivery.calls import call
from tests.delivery.certificates import Authority
from tests.delivery.conftest import StoppedClock
from tests.delivery.raw_handler import Connection, RawHandler, raw_handler

from tidegate.core.lifecycle import Outcome
from tidegate.delivery.http_sender import HttpSender


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
async def tls_handler(authority: Authority) -> AsyncIterator[RawHandler]:
    async with raw_handler(tls=authority.server("localhost")) as handler:
        handler.host = "localhost"
        yield handler


async def test_a_trusted_certificate_is_accepted(
    clock: StoppedClock, tls_handler: RawHandler, authority: Authority
) -> None:
    sender = HttpSender(clock, trusted_roots=authority.pem)
    assert await sender.send(call(tls_handler.url(), "POST", b"body"), None) == Outcome(200)
    await sender.close()


async def test_ssl_cert_file_names_authorities_to_trust(
    clock: StoppedClock, tls_handler: RawHandler, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "authorities.pem").write_bytes(authority.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authorities.pem"))
    sender = HttpSender(clock)
    assert await sender.send(call(tls_handler.url()), None) == Outcome(200)
    await sender.close()


async def test_an_unknown_authority_is_refused_and_nothing_sent(sender: HttpSender, tls_handler: RawHandler) -> None:
    assert await sender.send(call(tls_handler.url()), None) == Outcome(reason="TLS certificate not accepted")
    assert tls_handler.requests == []


async def test_a_certificate_for_another_name_is_refused_and_nothing_sent(
    clock: StoppedClock, authority: Authority
) -> None:
    sender = HttpSender(clock, trusted_roots=authority.pem)
    async with raw_handler(tls=authority.server("elsewhere.example")) as handler:
        handler.host = "localhost"
        assert await sender.send(call(handler.url()), None) == Outcome(reason="TLS certificate not accepted")
        assert handler.requests == []
    await sender.close()


async def test_a_handler_that_speaks_no_tls_is_no_answer(sender: HttpSender) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        outcome = await sender.send(call(f"https://127.0.0.1:{port}/"), None)
    assert outcome == Outcome(reason="TLS handshake failed")


@pytest.mark.parametrize("says", [b"", b"\x16\x03", bytes(200)], ids=["nothing", "half a record", "rubbish"])
async def test_a_handshake_that_is_broken_off_is_no_answer(sender: HttpSender, says: bytes) -> None:
    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(says)
        await writer.drain()
        Connection(reader, writer).reset()

    async with await asyncio.start_server(rude, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        outcome = await sender.send(call(f"https://127.0.0.1:{port}/"), None)
    assert outcome.http_status == 0
    assert outcome.reason in {"TLS handshake failed", "connection reset"}
