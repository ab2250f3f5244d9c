"""Where the server listens."""

from __future__ import annotations

import asyncio
import socket
import sys

import pytest

from tidegate.servers import handover
from tidegate.servers.address import Address, PortTaken, announce, reserve, resolve


@pytest.mark.parametrize(
    ("address", "url"),
    [
        (Address("127.0.0.1", "127.0.0.1", 8123), "http://127.0.0.1:8123"),
        (Address("localhost", "127.0.0.1", 8123, tls=True), "https://localhost:8123"),
        (Address("::1", "::1", 8123), "http://[::1]:8123"),
    ],
)
def test_an_address_has_a_url(address: Address, url: str) -> None:
    assert address.url == url


def test_an_address_survives_the_way_into_envoy(monkeypatch: pytest.MonkeyPatch) -> None:
    address = Address("localhost", "::1", 8123, tls=True)
    monkeypatch.setenv(handover.ADDRESS, address.to_environment())
    assert Address.from_environment() == address
    monkeypatch.delenv(handover.ADDRESS)
    assert Address.from_environment() is None


@pytest.mark.parametrize(("ip", "near"), [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("10.0.0.1", "10.0.0.1")])
def test_a_wildcard_is_reached_over_loopback(ip: str, near: str) -> None:
    assert Address(ip, ip, 1).near == near


def test_port_0_becomes_a_free_port_that_stays_ours() -> None:
    address, keeper = reserve(resolve("127.0.0.1", 0))
    with keeper:
        assert address.port > 0
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", address.port))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the reserving socket is closed first")
def test_our_own_listener_may_bind_beside_the_reserving_socket() -> None:
    address, keeper = reserve(resolve("127.0.0.1", 0))
    with keeper, socket.create_server(("127.0.0.1", address.port)):
        pass


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::"])
def test_a_port_with_a_listener_is_taken(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"^port {port} is taken"):
            reserve(resolve(host, port))


def test_a_port_whose_connections_linger_from_the_last_run_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = server.accept()
            accepted.close()  # first, so that the server's side stays in TIME_WAIT
            assert client.recv(1) == b""
    address, keeper = reserve(resolve("127.0.0.1", port))
    keeper.close()
    assert address.port == port


async def test_it_is_announced_when_it_answers_and_not_when_it_only_listens(capsys: pytest.CaptureFixture[str]) -> None:
    hung_up = asyncio.Event()
    answering = False

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readline()
        if answering:
            assert request == b"GET /healthz HTTP/1.1\r\n"
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        writer.close()
        hung_up.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        address = Address("here", "127.0.0.1", server.sockets[0].getsockname()[1])
        announcing = asyncio.ensure_future(announce(address))
        await hung_up.wait()
        assert capsys.readouterr().out == ""
        answering = True
        await announcing
        assert capsys.readouterr().out == f"listening on http://here:{address.port}\n"
