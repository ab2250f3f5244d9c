"""Addresses for a network namespace that leads nowhere, given to its loopback interface by the kernel alone."""

from __future__ import annotations

import fcntl
import socket
import struct
from ipaddress import IPv4Address, IPv6Address

LOOPBACK = b"lo"
LOOPBACK_INDEX = 1
SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK = 0x8913, 0x8914, 0x8916, 0x891C
IFF_UP = 0x1


def raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sH14x", LOOPBACK, 0)
        flags = struct.unpack_from("H", fcntl.ioctl(sock, SIOCGIFFLAGS, request), 16)[0]
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sH14x", LOOPBACK, flags | IFF_UP))


def give_ipv4(address: IPv4Address, number: int) -> None:
    """Give the interface one more address, as its alias of that number."""
    alias = b"lo:%d" % number
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for request, value in ((SIOCSIFADDR, address.packed), (SIOCSIFNETMASK, b"\xff\xff\xff\xff")):
            fcntl.ioctl(sock, request, struct.pack("16sHH4s8x", alias, socket.AF_INET, 0, value))


def give_ipv6(address: IPv6Address) -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, SIOCSIFADDR, struct.pack("16sIi", address.packed, 128, LOOPBACK_INDEX))
