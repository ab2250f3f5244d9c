"""The head of a request as it is sent."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from tidegate.core.headers import is_token
from tidegate.core.target import BODY_METHODS, FRAMING
from tidegate.delivery.destination import Destination
from tidegate.delivery.hop import Hop

NAMES_KEPT: Final = 4096


@lru_cache(maxsize=NAMES_KEPT)
def _beginning(name: str) -> str:
    """A header's line up to its value."""
    if not is_token(name) or name.lower() in FRAMING:  # only this module says where a request ends
        raise ValueError("a header that cannot be sent")
    return f"{name}: "


def head(hop: Hop, where: Destination) -> bytes:
    """Request line and headers, up to and with the empty line. Raises ValueError for a header that cannot be sent."""
    headers = hop.headers
    lines = "".join([f"{_beginning(name)}{value}\r\n" for name, value in headers])
    # A line end within a value would begin another header.
    if lines.count("\n") != len(headers) or lines.count("\r") != len(headers) or "\0" in lines:
        raise ValueError("a header that cannot be sent")
    if where.user and not any(name.lower() == "authorization" for name, _ in headers):
        lines += f"Authorization: {where.user}\r\n"
    if hop.body or hop.method in BODY_METHODS:
        lines += f"Content-Length: {len(hop.body)}\r\n"
    return f"{hop.method}{where.opening}{lines}\r\n".encode("ascii")
