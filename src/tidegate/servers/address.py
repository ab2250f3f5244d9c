"""Where the server listens: choosing a port, keeping it, and asking whether it answers yet."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import socket
import ssl
import sys
from dataclasses import asdict, dataclass
from typing import Final

from tidegate.servers import handover

_WILDCARDS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound
"""What stands for every address of this machine, and the one of them that only this machine reaches."""

_PROBE_PAUSE: Final = 0.02  # seconds between two questions while the listener comes up


class PortTaken(Exception):  # noqa: N818 - a fact about the port, told to the operator as it is
    """Another program listens where we should. The text is one line with the cure."""

    def __init__(self, port: int) -> None:
        super().__init__(
            f"port {port} is taken by another program: stop it, or choose another with --port (0 picks a free one)"
        )


@dataclass(frozen=True, slots=True)
class Address:
    """Where we listen. ``host`` is what the user named, ``ip`` what it resolved to."""

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
    def near(self) -> str:
        """The IP to reach ourselves at: a wildcard means loopback."""
        return _WILDCARDS.get(self.ip, self.ip)

    @property
    def is_wildcard(self) -> bool:
        """Whether it is every address of this machine: then ``url`` leads nobody elsewhere here."""
        return self.ip in _WILDCARDS

    def to_environment(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_environment(cls) -> Address | None:
        """Where our front listens; None when the application runs without it."""
        value = os.environ.get(handover.ADDRESS)
        return cls(**json.loads(value)) if value else None


def resolve(host: str, port: int, *, tls: bool = False) -> Address:
    """The address of ``host``, a name or an IP. Raises OSError (gaierror) when it has none."""
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return Address(host, str(infos[0][4][0]), port, tls)


def reserve(address: Address) -> tuple[Address, socket.socket]:
    """Make sure that nobody else listens at ``address``; port 0 becomes a free one.

    The socket answered is bound but does not listen. As long as it lives, the system gives the port to nobody who does
    not ask for this very number, and on Linux our own listener may bind beside it. Raises PortTaken, or OSError when
    the address cannot be bound for another reason.
    """
    keeper = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        # With SO_REUSEADDR a bind fails only where someone listens: connections that linger from the last run do not
        # count. Without SO_REUSEPORT it also fails where someone shares its port on purpose.
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if address.family is socket.AF_INET6:
            keeper.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(address.ip != "::"))
        keeper.bind((address.ip, address.port))
    except OSError as error:
        keeper.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(address.port) from None
        raise
    return Address(address.host, address.ip, keeper.getsockname()[1], address.tls), keeper


async def answering(address: Address) -> None:
    """Wait until the server at ``address`` answers a request for ``/healthz``."""
    while not await _answers(address):  # noqa: ASYNC110 - another program's state has no event
        await asyncio.sleep(_PROBE_PAUSE)


async def _answers(address: Address) -> bool:
    context = None
    if address.tls:
        context = ssl.create_default_context()
        context.check_hostname = False  # we ask ourselves whether we are there, nothing more
        context.verify_mode = ssl.CERT_NONE
    try:
        reader, writer = await asyncio.open_connection(address.near, address.port, ssl=context)
    except ssl.SSLError:
        return True  # it speaks, even if it asks for a certificate that we have not
    except OSError:
        return False
    try:
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        await writer.drain()
        return (await reader.read(9)).startswith(b"HTTP/1.1 ")
    except ssl.SSLError:
        return True
    except OSError:
        return False
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def announce(address: Address) -> None:
    """Print ``listening on URL`` once calls are answered."""
    await answering(address)
    with contextlib.suppress(OSError, ValueError):  # nobody may be reading any more
        sys.stdout.write(f"listening on {address.url}\n")
        sys.stdout.flush()
