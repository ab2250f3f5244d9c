"""Egress rules with real addresses. Run by test_own_network in a namespace whose only interface is loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from ipaddress import IPv4Address, ip_address

import pytest
from tests.delivery.calls import SECOND, call
from tests.delivery.conftest import StoppedClock
from tests.delivery.network import give_ipv4, give_ipv6, raise_loopback
from tests.delivery.raw_handler import RawHandler, answer, raw_handler

from tidegate.core.lifecycle import Outcome
from tidegate.delivery.egress import Egress
from tidegate.delivery.egress_gate import is_this_machine
from tidegate.delivery.http_sender import HttpSender

FORBIDDEN = Outcome(forbidden=True, reason="address not allowed by the egress rules")
PUBLIC = ["8.8.8.8", "2600::1"]
NOT_PUBLIC = [
    "10.1.2.3",
    "100.64.0.1",
    "169.254.169.254",
    "172.16.5.5",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.7",
    "fd00:ec2::254",
    "fec0::1",
    "2001:db8::1",
    "2002:a00:1::1",
    "64:ff9b::a00:1",
    "::ffff:10.1.2.3",
]


@pytest.fixture(scope="module", autouse=True)
def _addresses() -> None:
    raise_loopback()
    for number, text in enumerate(PUBLIC + NOT_PUBLIC):
        address = ip_address(text)
        if isinstance(address, IPv4Address):
            give_ipv4(address, number)
        elif address.ipv4_mapped is None:
            give_ipv6(address)


@pytest.fixture
async def everywhere() -> AsyncIterator[RawHandler]:
    """A handler on every address."""
    async with raw_handler("0.0.0.0") as handler, raw_handler("::", handler.port) as other:
        other.requests = handler.requests
        other.steps = handler.steps
        yield handler


def url(address: str, port: int) -> str:
    return f"http://[{address}]:{port}/" if ":" in address else f"http://{address}:{port}/"


async def outcome_of(rules: str, address: str, handler: RawHandler, own_port: int | None = None) -> Outcome:
    sender = HttpSender(StoppedClock(), egress=Egress.parse(rules.split(","), own_port))
    outcome = await sender.send(call(url(address, handler.port), timeout=10 * SECOND), None)
    await sender.close()
    return outcome


@pytest.mark.parametrize("address", PUBLIC + NOT_PUBLIC)
async def test_every_address_answers_where_all_is_allowed(everywhere: RawHandler, address: str) -> None:
    assert await outcome_of("all", address, everywhere) == Outcome(200)


@pytest.mark.parametrize("address", PUBLIC)
async def test_public_addresses_are_called(everywhere: RawHandler, address: str) -> None:
    assert await outcome_of("public", address, everywhere) == Outcome(200)


@pytest.mark.parametrize("address", NOT_PUBLIC)
async def test_no_other_address_is(everywhere: RawHandler, address: str) -> None:
    assert await outcome_of("public", address, everywhere) == FORBIDDEN
    assert everywhere.requests == []


@pytest.mark.parametrize("address", NOT_PUBLIC)
async def test_a_public_handler_cannot_redirect_to_another(everywhere: RawHandler, address: str) -> None:
    everywhere.does(answer(307, f"Location: {url(address, everywhere.port)}"))
    assert await outcome_of("public", "8.8.8.8", everywhere) == FORBIDDEN
    assert len(everywhere.requests) == 1


@pytest.mark.parametrize("address", PUBLIC)
async def test_the_server_itself_is_not_public(everywhere: RawHandler, address: str) -> None:
    assert is_this_machine(ip_address(address))
    assert await outcome_of("public", address, everywhere, own_port=everywhere.port) == FORBIDDEN
    assert everywhere.requests == []
    assert await outcome_of("public", address, everywhere, own_port=everywhere.port + 1) == Outcome(200)


async def test_a_port_like_ours_on_another_machine_may_be_called(everywhere: RawHandler) -> None:
    assert not is_this_machine(ip_address("8.8.4.4"))
    outcome = await outcome_of("public", "8.8.4.4", everywhere, own_port=everywhere.port)
    assert outcome == Outcome(reason="host unreachable")  # allowed, but this network leads nowhere
