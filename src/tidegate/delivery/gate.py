"""Calls under egress rules: the name is resolved here, the addresses judged, the connection made to a judged one.

pyreqwest parses the URL for judgement and for sending, so both see the same host however it is spelt. It can pin a name
to an address only for a whole client. So plain HTTP is sent to the address itself with the name in Host, by one client;
HTTPS, whose certificate is for the name, gets a client for each name and address, of which the latest used stay.

Measured: such a client takes 3.4 ms to build (in a thread: it reads the system's authorities) and 110 KiB. All of this
costs the loop's thread 3 us a call to an address and 6 us a call to a name.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta

from msgspec import Struct
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import BuilderError
from pyreqwest.http import Url

from tidegate.core.lifecycle import Outcome
from tidegate.delivery.egress import Address, Egress, parse_address, plain
from tidegate.delivery.hop import Hop, without
from tidegate.delivery.resolver import NotFound, Resolver

Pin = tuple[str, str]  # a name and the address it is to be

FORBIDDEN = Outcome(forbidden=True, reason="address not allowed by the egress rules")
NOT_FOUND = Outcome(reason="host not found")
TIMED_OUT = Outcome(timed_out=True, reason="no whole answer within the deadline")
CONNECT_MAX = timedelta(seconds=10)  # for one of several addresses
JUDGED_MAX = 4096
CLIENTS_MAX = 256  # names called over HTTPS at the same time; 28 MiB


class Refused(Exception):  # noqa: N818 (an outcome, not an error)
    """The call is not made; ``outcome`` says why."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


class Way(Struct, frozen=True):
    """How a request reaches one judged address: what to send, and the pin its client needs, if any."""

    hop: Hop
    pin: Pin | None = None


class Gate:
    """Judges where a request may go, and hands out clients that go nowhere else."""

    def __init__(self, egress: Egress, resolver: Resolver, new_builder: Callable[[], ClientBuilder]) -> None:
        self._egress = egress
        self._resolver = resolver
        self._new_builder = new_builder
        self._judged: dict[str, tuple[tuple[str, ...], list[str]]] = {}
        self._clients: OrderedDict[tuple[Pin | None, bool], asyncio.Future[Client]] = OrderedDict()

    async def ways(self, hop: Hop, within: timedelta) -> list[Way]:
        """The ways to the allowed addresses, the resolver's first choice first.

        Raises Refused when there is none or it takes too long to learn, ValueError for what is no URL.
        """
        url = Url(hop.url)
        name, host, port = url.domain, url.host_str, url.port_or_known_default
        if host is None or port is None:
            raise ValueError("a URL without host or port")
        if name is None:
            self._allowed(None, host, (host,), port)
            return [Way(hop)]
        if self._egress.forbids_name(name):
            raise Refused(FORBIDDEN)
        allowed = self._allowed(name, host, await self._addresses(name, within), port)
        if url.scheme == "https":
            return [Way(hop, (name, address)) for address in allowed]
        return [Way(addressed(hop, url, address)) for address in allowed]

    async def client(self, way: Way, *, pooled: bool = True) -> Client:
        """The client for a way; one not ``pooled`` opens a connection for each request."""
        key = (way.pin, pooled)
        building = self._clients.get(key)
        if building is None:
            building = asyncio.ensure_future(asyncio.to_thread(self._build, way.pin, pooled=pooled))
            self._clients[key] = building
            if len(self._clients) > CLIENTS_MAX:
                self._clients.popitem(last=False)  # its calls under way go on; its idle connections close
        self._clients.move_to_end(key)
        try:
            return building.result() if building.done() else await asyncio.shield(building)
        except BuilderError:
            self._clients.pop(key, None)  # whatever was wrong, the next call asks afresh
            raise

    async def close(self) -> None:
        """Close all clients."""
        while self._clients:
            _, building = self._clients.popitem()
            with contextlib.suppress(BuilderError):
                await (await building).close()

    async def _addresses(self, name: str, within: timedelta) -> tuple[str, ...]:
        known = self._resolver.known(name)
        if known is not None:
            return known
        try:
            async with asyncio.timeout(within.total_seconds()):
                return await self._resolver.addresses(name)
        except NotFound:
            raise Refused(NOT_FOUND) from None
        except TimeoutError:
            raise Refused(TIMED_OUT) from None

    def _allowed(self, name: str | None, host: str, addresses: tuple[str, ...], port: int) -> list[str]:
        """Those of a host's addresses that may be called; remembered, for judging takes longer than all the rest."""
        remembered = self._judged.get(host)
        if remembered is not None and remembered[0] == addresses and port != self._egress.own_port:
            allowed = remembered[1]
        else:
            allowed = [text for text in addresses if self._allows(name, parse_address(text), port)]
            if len(self._judged) >= JUDGED_MAX:
                self._judged.clear()
            if port != self._egress.own_port:
                self._judged[host] = (addresses, allowed)
        if not allowed:
            raise Refused(FORBIDDEN)
        return allowed

    def _allows(self, name: str | None, address: Address, port: int) -> bool:
        own = port == self._egress.own_port and is_this_machine(address)
        return self._egress.allows(name, address, own=own)

    def _build(self, pin: Pin | None, *, pooled: bool) -> Client:
        builder = self._new_builder().connect_timeout(CONNECT_MAX)
        if pin is not None:
            builder = builder.resolve(*pin, 0)  # 0 is the URL's port
        return builder.build() if pooled else builder.pool_max_idle_per_host(0).build()


def addressed(hop: Hop, url: Url, address: str) -> Hop:
    """The same request with the address in its URL and the name in its Host header."""
    host = url.host_str if url.port is None else f"{url.host_str}:{url.port}"
    headers = (("Host", str(host)), *without(hop.headers, "host"))
    return Hop(hop.method, str(url.with_ip_host(address)), headers, hop.body)


def is_this_machine(address: Address) -> bool:
    """Whether one of this machine's interfaces has the address: only then can a socket be bound to it."""
    address = plain(address)
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True
