"""Where App Engine services are may be called; the server itself may not."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from tests.delivery.calls import call
from tests.delivery.conftest import StoppedClock
from tests.delivery.egress.names import FORBIDDEN, Names, sender_under
from tests.delivery.raw_handler import RawHandler

from tidegate.core.lifecycle import Outcome
from tidegate.delivery.destination import destination
from tidegate.delivery.egress import Egress
from tidegate.delivery.egress_gate import EgressGate, Forbidden, is_this_machine
from tidegate.delivery.resolver import Resolver


async def test_an_exempt_origin_may_be_called_without_redirects(
    clock: StoppedClock, names: Names, handler: RawHandler
) -> None:
    async with sender_under("public", clock, names, exempt=handler.origin) as sender:
        assert await sender.send(call(handler.url(), follows_redirects=False), None) == Outcome(200)
        assert await sender.send(call(handler.url()), None) == FORBIDDEN
        other = handler.url().replace("127.0.0.2", "127.0.0.1")
        assert await sender.send(call(other, follows_redirects=False), None) == FORBIDDEN
    assert len(handler.requests) == 1


def test_this_machine_is_known_by_its_addresses() -> None:
    assert is_this_machine(ip_address("127.0.0.1"))
    assert is_this_machine(ip_address("::ffff:127.0.0.1"))
    assert not is_this_machine(ip_address("192.0.2.1"))
    assert not is_this_machine(ip_address("2001:db8::1"))


async def test_whether_an_address_is_this_machine_is_looked_at_each_time(
    clock: StoppedClock, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = EgressGate(Egress.parse(["public"], own_port=8123), Resolver(clock, names))
    origin = destination("http://8.8.8.8:8123/").origin
    monkeypatch.setattr("tidegate.delivery.egress_gate.is_this_machine", lambda address: False)
    assert (await gate.way(origin, "q")).addresses == ("8.8.8.8",)
    monkeypatch.setattr("tidegate.delivery.egress_gate.is_this_machine", lambda address: True)
    with pytest.raises(Forbidden):
        await gate.way(origin, "q")
