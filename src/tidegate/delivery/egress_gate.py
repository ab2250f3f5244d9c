"""Which addresses a request may connect to. The name is resolved, its addresses are checked with the egress rules, and
the connection goes to a checked address.
"""

from __future__ import annotations

import socket
from functools import lru_cache

from msgspec import Struct

from tidegate.delivery.destination import Origin
from tidegate.delivery.egress import Egress, IpAddress, parse_address, plain
from tidegate.delivery.resolver import Resolver

WAYS_MAX = 4096


class Forbidden(Exception):  # noqa: N818 (an outcome, not an error)
    """The egress rules allow no address of the host."""


class Way(Struct, frozen=True):
    """The ``addresses`` to which connections of an origin may go. Connections of the same ``route`` are
    interchangeable.
    """

    route: str
    addresses: tuple[str, ...]


class EgressGate:
    """Decides where a request may go."""

    def __init__(self, egress: Egress, resolver: Resolver) -> None:
        self._egress = egress
        self._resolver = resolver
        # Cached, because checking takes longer than everything else here.
        self._judged = lru_cache(maxsize=WAYS_MAX)(self._judge)

    async def way(self, origin: Origin, queue: str) -> Way:
        """The way to the allowed addresses, the resolver's first choice first, for an attempt of ``queue``.

        Raises Forbidden when there is none, HostNotFound when the host has no address, Unanswered when no name server
        answers.
        """
        name = origin.host
        if not origin.is_name:
            addresses: tuple[str, ...] = (origin.host,)
        elif self._egress.forbids_name(name):
            raise Forbidden
        else:
            addresses = self._resolver.known(name) or await self._resolver.addresses(name, queue)
        # This machine's addresses may change, so requests to the server's own port are checked each time.
        judge = self._judge if origin.port == self._egress.own_port else self._judged
        way = judge(origin, addresses)
        if not way.addresses:
            raise Forbidden
        return way

    def forbids(self, origin: Origin) -> bool:
        """Whether the origin's name is forbidden, whatever its addresses."""
        return origin.is_name and self._egress.forbids_name(origin.host)

    def _judge(self, origin: Origin, addresses: tuple[str, ...]) -> Way:
        name = origin.host if origin.is_name else None
        own = origin.port == self._egress.own_port
        allowed = tuple(text for text in addresses if self._allows(name, parse_address(text), own=own))
        return Way(" ".join([origin.text, *sorted(allowed)]), allowed)

    def _allows(self, name: str | None, address: IpAddress, *, own: bool) -> bool:
        return self._egress.allows(name, address, own=own and is_this_machine(address))


def is_this_machine(address: IpAddress) -> bool:
    """Whether one of this machine's interfaces has the address: only then can a socket be bound to it."""
    address = plain(address)
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True
