"""Where the server listens."""

from __future__ import annotations

import socket

import pytest

from tidegate.operator_errors import OperatorError
from tidegate.servers.address import Address, listen, reserve, resolve


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


def test_port_0_becomes_a_free_port_that_stays_ours() -> None:
    address, keeper = reserve(resolve("127.0.0.1", 0))
    with keeper:
        assert address.port > 0
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", address.port))


def test_connections_are_refused_until_it_listens() -> None:
    address, listener = reserve(resolve("127.0.0.1", 0))
    with listener:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", address.port))
        listen(listener)
        socket.create_connection(("127.0.0.1", address.port)).close()


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::"])
def test_a_port_with_a_listener_is_taken(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(OperatorError, match=f"^port {port} is taken"):
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
