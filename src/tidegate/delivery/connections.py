"""The connections to handlers: idle ones and new ones."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Sequence
from functools import partial

import aiohappyeyeballs
import truststore

from tidegate.delivery.connection import Connection
from tidegate.delivery.deadlines import AttemptDeadlines
from tidegate.delivery.destination import Origin
from tidegate.delivery.reasons import SENDER_CLOSED, NoAnswer, unconnected
from tidegate.delivery.writes import Writes
from tidegate.engine.ports.world import MachineClock, SendReport

IDLE_MAX = 4.0  # seconds; shorter than the 5 s after which Node and uvicorn close a connection from their side
NEXT_ADDRESS_AFTER = 0.25  # seconds that an address may take until the next one is tried beside it (RFC 8305, 5)


class Connections:
    """Connections by route: an origin's text, followed by its allowed addresses where egress rules restrict them.

    The connection used last is used first, so that unneeded ones become idle. They are closed after ``IDLE_MAX``.
    """

    def __init__(self, clock: MachineClock, trusted_roots: bytes = b"") -> None:
        """``trusted_roots`` are certificate authorities (PEM) beside the system's."""
        self._clock = clock
        self._trusted_roots = trusted_roots
        self._tls: ssl.SSLContext | None = None
        self._loop = asyncio.get_running_loop()
        self._writes = Writes(self._loop)
        self._deadlines = AttemptDeadlines(self._loop)
        self._idle: dict[str, dict[Connection, None]] = {}
        self._open: set[Connection] = set()
        self._sweeping: asyncio.TimerHandle | None = None
        self._closed = False

    def idle(self, route: str) -> Connection | None:
        """An idle connection, if there is one. It belongs to the caller until it is free again."""
        standing = self._idle.get(route)
        if not standing:
            return None
        connection, _ = standing.popitem()
        if self._clock.monotonic() - connection.free_since <= IDLE_MAX:
            return connection
        connection.close()
        self._close_old()
        return None

    async def open(
        self, route: str, origin: Origin, addresses: Sequence[str], report: SendReport | None = None
    ) -> Connection:
        """A new connection, to the first address that accepts it; how long that took goes into ``report``. Raises
        NoAnswer when none does.
        """
        self._refuse_when_closed()
        # The certificate must be for the name, also when the address was chosen before.
        context, name = (self._tls_context(), origin.host.rstrip(".")) if origin.tls else (None, None)
        new = partial(
            Connection, self._writes, self._deadlines, partial(self._freed, route), partial(self._lost, route)
        )
        begun = connected = self._clock.monotonic()
        try:
            if len(addresses) == 1 and not (origin.tls and report is not None):
                address = addresses[0]
                opening = self._loop.create_connection(new, address, origin.port, ssl=context, server_hostname=name)
            else:
                sock = await aiohappyeyeballs.start_connection(
                    [_info(address, origin.port) for address in addresses], happy_eyeballs_delay=NEXT_ADDRESS_AFTER
                )
                connected = self._clock.monotonic()
                opening = self._loop.create_connection(new, sock=sock, ssl=context, server_hostname=name)
            _, connection = await opening
        except OSError as error:
            raise NoAnswer(unconnected(error, tls=origin.tls)) from None
        self._open.add(connection)
        self._refuse_when_closed()
        if report is not None:
            ready = self._clock.monotonic()
            report.connect = connected - begun if origin.tls else ready - begun
            report.tls = ready - connected if origin.tls else 0.0
        return connection

    def close(self) -> None:
        """Close all connections. Requests under way end without an answer."""
        self._closed = True
        if self._sweeping is not None:
            self._sweeping.cancel()
        for connection in list(self._open):
            connection.close()

    def _refuse_when_closed(self) -> None:
        if self._closed:
            self.close()
            raise NoAnswer(SENDER_CLOSED)

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self._tls.set_alpn_protocols(["http/1.1"])
            if self._trusted_roots:
                self._tls.load_verify_locations(cadata=self._trusted_roots.decode("ascii"))
        return self._tls

    def _freed(self, route: str, connection: Connection) -> None:
        connection.free_since = self._clock.monotonic()
        standing = self._idle.get(route)
        if standing is None:
            standing = self._idle[route] = {}
        standing[connection] = None
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(IDLE_MAX / 2, self._sweep)

    def _lost(self, route: str, connection: Connection) -> None:
        self._open.discard(connection)
        standing = self._idle.get(route)
        if standing is not None:
            standing.pop(connection, None)

    def _sweep(self) -> None:
        self._sweeping = None
        self._close_old()
        if self._idle:
            self._sweeping = self._loop.call_later(IDLE_MAX / 2, self._sweep)

    def _close_old(self) -> None:
        oldest = self._clock.monotonic() - IDLE_MAX
        for route, standing in list(self._idle.items()):
            while standing:
                connection = next(iter(standing))  # free for longest
                if connection.free_since >= oldest:
                    break
                del standing[connection]
                connection.close()
            if not standing:
                del self._idle[route]


def _info(address: str, port: int) -> tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]]:
    """An address in the form of getaddrinfo's answer."""
    if ":" in address:
        return socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port, 0, 0)
    return socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port)
