from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.delivery.egress import Egress, embedded, is_public

PUBLIC = [
    "8.8.8.8", "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
    "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.0.9", "192.0.0.10", "192.0.1.0",
    "192.31.196.1", "192.52.193.1", "192.167.255.255", "192.169.0.0", "192.175.48.1", "198.17.255.255", "198.20.0.0",
    "223.255.255.255",
    "2600::1", "2a00:1450::1", "2001:200::1", "2001:1::1", "2001:1::2", "2001:1::3", "2001:3::1", "2001:4:112::1",
    "2001:20::1", "2001:30::1", "2620:4f:8000::1", "3ffe::1", "3fff:1000::1",
    "::ffff:8.8.8.8", "::8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1",
    "2001:0:808:808:0:0:fefe:fefe",  # Teredo: server 8.8.8.8, client 1.1.1.1
]  # fmt: skip
NOT_PUBLIC = [
    "0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1",
    "127.255.255.255", "169.254.0.1", "169.254.169.254", "172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.0.8",
    "192.0.0.11", "192.0.0.170", "192.0.0.255", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.0",
    "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::2", "64:ff9b:1::1", "64:ff9b:1::808:808", "100::1", "100:0:0:1::1", "2001::1", "2001:1::",
    "2001:1::4", "2001:2::1", "2001:5::1", "2001:10::1", "2001:40::1", "2001:1ff::1", "2001:db8::1", "3fff::1",
    "3fff:fff::1",
    "4000::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "febf::1", "fec0::1", "ff02::1", "ff0e::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::10.0.0.1",
    "64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "2002:7f00:1::1", "2002:a00:1::1", "2002:a9fe:a9fe::",
    "2001:0:7f00:1:0:0:fefe:fefe",  # Teredo: server 127.0.0.1, client 1.1.1.1
    "2001:0:808:808:0:0:80ff:fffe",  # Teredo: server 8.8.8.8, client 127.0.0.1
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_globally_routable_addresses_are_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_no_other_address_is_public(address: str) -> None:
    assert not is_public(ip_address(address))


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_the_same_in_every_ipv6_dress(address: IPv4Address) -> None:
    number = int(address)
    dresses = [
        IPv6Address(0xFFFF << 32 | number),
        IPv6Address(number),
        IPv6Address(0x64_FF9B << 96 | number),
        IPv6Address(0x2002 << 112 | number << 80 | 1),
        IPv6Address(0x2001 << 112 | number << 64 | ~number & 0xFFFF_FFFF),
    ]
    for dress in dresses:
        assert address in embedded(dress)
        assert is_public(dress) == is_public(address)


@given(st.ip_addresses(v=6))
def test_public_ipv6_is_unicast(address: IPv6Address) -> None:
    if is_public(address):
        assert not address.is_multicast
        assert embedded(address) or int(address) >> 125 == 1  # 2000::/3


def allows(rules: str, address: str, name: str | None = None, *, own: bool = False) -> bool:
    return Egress.parse(rules.split(",")).allows(name, ip_address(address), own=own)


@pytest.mark.parametrize("address", ["127.0.0.1", "8.8.8.8", "::1", "169.254.169.254", "ff02::1"])
def test_all_allows_all(address: str) -> None:
    assert allows("all", address)


def test_without_a_rule_nothing_is_allowed() -> None:
    assert not Egress.parse([]).allows("a.example", ip_address("8.8.8.8"))


def test_a_network_allows_its_addresses() -> None:
    assert allows("10.1.0.0/16", "10.1.255.255")
    assert allows("10.1.0.0/16", "::ffff:10.1.0.1")
    assert allows("fd00::/8", "fd12::1")
    assert allows("192.0.2.7", "192.0.2.7")
    assert not allows("10.1.0.0/16", "10.2.0.0")
    assert not allows("10.1.0.0/16", "2002:a01:1::1")  # that goes by way of a 6to4 router, wherever it sends it
    assert not allows("192.0.2.7", "192.0.2.8")


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "::ffff:10.0.0.1", "::10.0.0.1", "64:ff9b::10.0.0.1", "2002:a00:1::", "2001:0:a00:1::"]
)
def test_a_forbidden_network_is_forbidden_in_every_dress(address: str) -> None:
    assert not allows("all,!10.0.0.0/8", address)


@pytest.mark.parametrize("rules", ["all,!10.0.0.0/8", "!10.0.0.0/8,all", "10.0.0.1,!10.0.0.0/8", "a.example,!10.0.0.1"])
def test_forbidding_wins_whatever_the_order(rules: str) -> None:
    assert not allows(rules, "10.0.0.1", "a.example")


def test_a_name_is_allowed_with_any_address() -> None:
    assert allows("handlers.internal", "10.0.0.1", "handlers.internal")
    assert allows("handlers.internal", "10.0.0.1", "handlers.internal.")
    assert not allows("handlers.internal", "10.0.0.1", "other.internal")
    assert not allows("handlers.internal", "10.0.0.1")


def test_a_star_stands_for_names_below_not_for_the_name_itself() -> None:
    assert allows("*.internal", "10.0.0.1", "a.internal")
    assert allows("*.internal", "10.0.0.1", "a.b.internal.")
    assert not allows("*.internal", "10.0.0.1", "internal")
    assert not allows("*.internal", "10.0.0.1", "xinternal")
    assert not allows("*.internal", "10.0.0.1", "a.internal.example")


def test_a_forbidden_name_is_forbidden_whatever_its_address() -> None:
    egress = Egress.parse(["all", "!metadata.google.internal", "!*.corp"])
    assert egress.forbids_name("metadata.google.internal")
    assert egress.forbids_name("metadata.google.internal.")
    assert egress.forbids_name("a.corp")
    assert not egress.forbids_name("corp")
    assert not egress.allows("a.corp", ip_address("8.8.8.8"))


@pytest.mark.parametrize("spelling", ["HANDLERS.internal", "handlers.internal.", " handlers.internal "])
def test_names_in_rules_are_read_as_urls_are(spelling: str) -> None:
    assert allows(spelling, "10.0.0.1", "handlers.internal")


def test_names_beyond_ascii_are_compared_in_idna() -> None:
    assert allows("bücher.example", "10.0.0.1", "xn--bcher-kva.example")


def test_public_never_covers_the_server_itself() -> None:
    assert not allows("public", "8.8.8.8", own=True)
    assert allows("public,8.8.8.8", "8.8.8.8", own=True)
    assert allows("all", "8.8.8.8", own=True)


@pytest.mark.parametrize(("rules", "free"), [("all", True), ("public,all", True), ("all,!10.0.0.0/8", False)])
def test_only_all_without_a_but_leaves_nothing_to_look_at(rules: str, free: bool) -> None:
    assert Egress.parse(rules.split(",")).unrestricted is free


@pytest.mark.parametrize(
    "text",
    ["", "!", "*", "*.", "10.0.0.1/8", "10.0.0.0/33", "a b", "http://a/", "a/b", "a@b", "a:80", "::g", "*.*.a", "!!a"],
)
def test_what_is_no_rule_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="egress: "):
        Egress.parse([text])
