"""What a call would meet on its way, found out without sending it; the ``Prober`` port."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Final

from tidegate.core.explain.values import Code, Reason
from tidegate.core.target import HttpCall
from tidegate.core.url_map import UrlMap
from tidegate.delivery.connections import Connections
from tidegate.delivery.destination import Origin, destination
from tidegate.delivery.egress import UNRESTRICTED, parse_address
from tidegate.delivery.egress_gate import EgressGate, Forbidden
from tidegate.delivery.reasons import TLS_FAILURES, NoAnswer
from tidegate.delivery.resolver import HostNotFound, Resolver, Unanswered

PATIENCE: Final = 5.0
"""Seconds that a probe may take altogether."""

HOST_HINT: Final = "In a container localhost is the container itself; the machine around it is host.docker.internal."


class HttpProber:
    """Resolves and connects as the sender does whose parts it has, and sends nothing."""

    def __init__(
        self,
        connections: Connections,
        resolver: Resolver,
        gate: EgressGate | None,
        exempt: Collection[str],
        url_map: UrlMap | None,
        *,
        in_container: bool,
    ) -> None:
        self._connections = connections
        self._anywhere = EgressGate(UNRESTRICTED, resolver)
        self._resolver = resolver
        self._gate = gate
        self._exempt = exempt
        self._url_map = url_map
        self._in_container = in_container

    async def look(self, call: HttpCall) -> Reason | None:
        """What is known without asking anybody: whether the URL can be called, and whether the egress rules allow it,
        as far as its host is an address or a name whose addresses are known.
        """
        try:
            origin = self._origin(call)
        except ValueError:
            return _unsendable()
        gate = self._gate_of(call, origin)
        if gate is None or (origin.is_name and self._resolver.known(origin.host) is None and not gate.forbids(origin)):
            return None
        try:
            await gate.way(origin, call.queue)
        except Forbidden:
            return _forbidden(origin)
        except (HostNotFound, Unanswered):  # forgotten meanwhile
            return None
        return None

    async def probe(self, call: HttpCall) -> Reason | None:
        """What resolving the host and connecting to it shows."""
        try:
            origin = self._origin(call)
        except ValueError:
            return _unsendable()
        gate = self._gate_of(call, origin) or self._anywhere
        try:
            async with asyncio.timeout(PATIENCE):
                way = await gate.way(origin, call.queue)
                connection = await self._connections.open(way.route, origin, way.addresses)
        except Forbidden:
            return _forbidden(origin)
        except HostNotFound:
            return Reason(Code.NAME_NOT_FOUND, f"The host {origin.host} has no address.", details=_of(origin))
        except Unanswered:
            text = f"The name server does not answer the question for {origin.host}."
            return Reason(Code.NAME_NOT_FOUND, text, details=_of(origin))
        except NoAnswer as error:
            return self._unconnected(origin, error.reason)
        except TimeoutError:
            return self._unconnected(origin, f"no connection within {PATIENCE:g} s")
        connection.close()
        return None

    def _origin(self, call: HttpCall) -> Origin:
        mapped = None if self._url_map is None else self._url_map.mapped(call.url)
        return destination(call.url if mapped is None else mapped.url).origin

    def _gate_of(self, call: HttpCall, origin: Origin) -> EgressGate | None:
        exempt = not call.follows_redirects and origin.text in self._exempt
        return None if exempt else self._gate

    def _unconnected(self, origin: Origin, why: str) -> Reason:
        where = f"{origin.host}:{origin.port}"
        if why in TLS_FAILURES:
            return Reason(Code.TLS_FAILED, f"{where} does not speak TLS as it should: {why}.", details=_of(origin))
        text = f"{where} takes no connection: {why}."
        if self._in_container and _is_loopback(origin):
            text = f"{text} {HOST_HINT}"
        return Reason(Code.CONNECTION_REFUSED, text, details=_of(origin))


def _unsendable() -> Reason:
    return Reason(Code.UNSENDABLE, "The next attempt cannot be sent: its URL cannot be called.")


def _forbidden(origin: Origin) -> Reason:
    text = f"The egress rules of this server allow no call of {origin.host}:{origin.port}; see --egress."
    return Reason(Code.FORBIDDEN_ADDRESS, text, details=_of(origin))


def _of(origin: Origin) -> dict[str, str]:
    return {"host": origin.host, "port": str(origin.port)}


def _is_loopback(origin: Origin) -> bool:
    if origin.is_name:
        return origin.host.rstrip(".") == "localhost" or origin.host.rstrip(".").endswith(".localhost")
    return parse_address(origin.host).is_loopback
