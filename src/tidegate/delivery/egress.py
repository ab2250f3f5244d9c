"""Which addresses may be called: the operator's ``egress`` rules.

A rule is ``all``, ``public``, a network or address (``10.1.0.0/16``, ``fd00::/8``), or a name (``handlers.internal``,
``*.internal``); a leading ``!`` forbids, and forbidding wins. What no rule allows is forbidden. A rule with a name
is about the name in the URL. It allows all addresses of that name which no rule forbids.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from ada_url import URL, HostType
from msgspec import Struct

IpAddress = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class EgressRules(Struct, frozen=True):
    """The entries that allow, or those that forbid."""

    everything: bool = False
    public: bool = False
    networks: tuple[Network, ...] = ()
    names: frozenset[str] = frozenset()
    suffixes: tuple[str, ...] = ()  # each with its leading dot

    @classmethod
    def of(cls, texts: Sequence[str]) -> EgressRules:
        networks: list[Network] = []
        names: list[str] = []
        for text in texts:
            if text not in {"all", "public"}:
                network = parse_network(text)
                if network is None:
                    names.append(parse_name(text))
                else:
                    networks.append(network)
        return cls(
            everything="all" in texts,
            public="public" in texts,
            networks=tuple(networks),
            names=frozenset(name for name in names if not name.startswith(".")),
            suffixes=tuple(name for name in names if name.startswith(".")),
        )

    def name(self, name: str) -> bool:
        """Whether a name in a URL is among them."""
        name = name.rstrip(".")
        return name in self.names or name.endswith(self.suffixes)


class Egress(Struct, frozen=True):
    """The rules. ``own_port`` is the server's: ``public`` never covers it on this machine's own addresses."""

    allowing: EgressRules
    forbidding: EgressRules = EgressRules()
    own_port: int | None = None

    @classmethod
    def parse(cls, rules: Iterable[str], own_port: int | None = None) -> Egress:
        """The rules that the setting lists. Raises ValueError with the entry that is no rule."""
        texts = [text.strip() for text in rules]
        return cls(
            EgressRules.of([text for text in texts if not text.startswith("!")]),
            EgressRules.of([text.removeprefix("!").strip() for text in texts if text.startswith("!")]),
            own_port,
        )

    @property
    def unrestricted(self) -> bool:
        """Whether everything may be called. Then no address needs to be checked."""
        return self.allowing.everything and self.forbidding == EgressRules()

    def forbids_name(self, name: str) -> bool:
        """Whether a name is forbidden whatever its addresses."""
        return self.forbidding.name(name)

    def allows(self, name: str | None, address: IpAddress, *, own: bool = False) -> bool:
        """Whether an address may be called, by the name in the URL if it has one.

        ``own`` says that this address with the URL's port is the server itself.
        """
        no, yes = self.forbidding, self.allowing
        if (
            no.everything
            or (name is not None and no.name(name))
            or any(each in network for each in (address, *embedded(address)) for network in no.networks)
            or (no.public and is_public(address))
        ):
            return False
        return (
            yes.everything
            or (name is not None and yes.name(name))
            or any(plain(address) in network for network in yes.networks)
            or (yes.public and not own and is_public(address))
        )


UNRESTRICTED = Egress(EgressRules(everything=True))


def parse_network(text: str) -> Network | None:
    """A network or a single address, or None for a possible name. Raises ValueError for what is neither."""
    try:
        return ip_network(text)
    except ValueError as error:
        if "/" in text or ":" in text:
            raise ValueError(f"egress: {text!r} is not a network: {error}") from None
        return None


def parse_name(text: str) -> str:
    """A name, or with a leading dot the suffix that ``*.`` asks for. Raises ValueError if it is neither."""
    name = canonical_name(text.removeprefix("*."))
    if name is None:
        raise ValueError(f"egress: {text!r} is neither all, public, a network, a name nor *.name")
    return f".{name}" if text.startswith("*.") else name


def canonical_name(text: str) -> str | None:
    """A host name as in a parsed URL: lower case, IDNA, no dot at the end. None when it is no host name."""
    if not text or any(char.isspace() or char in "/\\@?#%*!,[]" for char in text):
        return None
    try:
        url = URL(f"http://{text}/")
    except ValueError:
        return None
    return url.hostname.rstrip(".") or None if url.host_type == HostType.DEFAULT else None


# Globally reachable or not: https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry,
# both as of 2025-10. Blocks that the registries leave open (N/A) are not public.

NOT_PUBLIC_V4 = [
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared (carrier-grade NAT)
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, metadata servers
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # IETF protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays, withdrawn
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
]
PUBLIC_V4 = [IPv4Network("192.0.0.9/32"), IPv4Network("192.0.0.10/32")]  # anycast: PCP, TURN

GLOBAL_UNICAST = IPv6Network("2000::/3")  # nothing else is allocated, except prefixes that embed IPv4 addresses (below)
NOT_PUBLIC_V6 = [
    IPv6Network(network)
    for network in (
        "2001::/23",  # IETF protocol assignments
        "2001:db8::/32",  # documentation
        "3fff::/20",  # documentation
    )
]
PUBLIC_V6 = [
    IPv6Network(network)
    for network in (
        "2001:1::1/128",  # anycast: PCP
        "2001:1::2/128",  # anycast: TURN
        "2001:1::3/128",  # anycast: DNS-SD service registration
        "2001:3::/32",  # AMT
        "2001:4:112::/48",  # AS112
        "2001:20::/28",  # ORCHIDv2
        "2001:30::/28",  # drone remote identification
    )
]

MAPPED = IPv6Network("::ffff:0:0/96")
COMPATIBLE = IPv6Network("::/96")
NAT64 = IPv6Network("64:ff9b::/96")
TEREDO = IPv6Network("2001::/32")
SIX_TO_FOUR = IPv6Network("2002::/16")
IPV4_MASK = 0xFFFF_FFFF


def is_public(address: IpAddress) -> bool:
    """Whether an address is globally routable unicast. An address that embeds IPv4 addresses is judged by those."""
    inner = embedded(address)
    if inner:
        return all(is_public(each) for each in inner)
    if isinstance(address, IPv4Address):
        return any(address in network for network in PUBLIC_V4) or not any(
            address in network for network in NOT_PUBLIC_V4
        )
    if any(address in network for network in PUBLIC_V6):
        return True
    return address in GLOBAL_UNICAST and not any(address in network for network in NOT_PUBLIC_V6)


def embedded(address: IpAddress) -> tuple[IPv4Address, ...]:
    """The IPv4 addresses that an IPv6 address embeds, to which its packets may be sent."""
    if isinstance(address, IPv4Address):
        return ()
    number = int(address)
    if address in SIX_TO_FOUR:
        return (IPv4Address(number >> 80 & IPV4_MASK),)
    if address in TEREDO:  # the server's, and the client's with its bits inverted
        return IPv4Address(number >> 64 & IPV4_MASK), IPv4Address(~number & IPV4_MASK)
    if address in MAPPED or address in COMPATIBLE or address in NAT64:
        return (IPv4Address(number & IPV4_MASK),)
    return ()


def plain(address: IpAddress) -> IpAddress:
    """The address that a connection goes to: for an IPv4-mapped address its IPv4 address."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def parse_address(text: str) -> IpAddress:
    """An address as a parsed URL or the resolver gives it, with or without brackets."""
    return ip_address(text.strip("[]"))
