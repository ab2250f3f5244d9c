"""Where the server listens: its address, and the socket that reserves the port and later listens."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from tidegate.operator_errors import OperatorError

_WILDCARDS: Final = {"0.0.0.0", "::"}  # noqa: S104 - compared, not bound
"""The addresses that mean every address of this machine."""

BACKLOG: Final = 4096
"""Connections that may wait to be accepted. The system may allow fewer."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server listens. ``host`` is what the operator named, ``ip`` what it resolved to."""

    host: str
    ip: str
    port: int
    tls: bool = False

    @property
    def url(self) -> str:
        """``http://HOST:PORT``, an IPv6 host in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"

    @property
    def family(self) -> socket.AddressFamily:
        return socket.AF_INET6 if ":" in self.ip else socket.AF_INET

    @property
    def is_wildcard(self) -> bool:
        """Whether it is every address of this machine. Then other machines cannot use ``url``."""
        return self.ip in _WILDCARDS


def resolve(host: str, port: int, *, tls: bool = False) -> Address:
    """The address of ``host``, a name or an IP. Raises OSError (gaierror) when it has none."""
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return Address(host, str(infos[0][4][0]), port, tls)


def reserve(address: Address) -> tuple[Address, socket.socket]:
    """Bind a socket to ``address``; port 0 becomes a free one. Returns the address and the socket.

    The socket does not listen yet: connections are refused until ``listen``. While it is open, the system gives the
    port to no program that asks for a free one.

    Raises OperatorError when another program listens there, OSError when the address cannot be bound for another
    reason.
    """
    listener = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            # With SO_REUSEADDR a bind fails only where someone listens: connections that linger from the last run do
            # not count. Without SO_REUSEPORT it also fails where someone shares its port on purpose.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:  # where SO_REUSEADDR would let two programs listen
            listener.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_EXCLUSIVEADDRUSE"), 1)  # noqa: B009 - Windows
        if address.family is socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(address.ip != "::"))
        with _taken_by_others(address.port):
            listener.bind((address.ip, address.port))
    except BaseException:
        listener.close()
        raise
    return Address(address.host, address.ip, listener.getsockname()[1], address.tls), listener


def listen(listener: socket.socket) -> None:
    """Accept connections from now on. Raises OperatorError when another program began to listen meanwhile."""
    with _taken_by_others(listener.getsockname()[1]):
        listener.listen(BACKLOG)


@contextmanager
def _taken_by_others(port: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise OperatorError(
                f"port {port} is taken by another program: stop it, or choose another with --port (0 picks a free one)"
            ) from None
        raise
