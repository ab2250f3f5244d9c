"""The head of a request as it goes over the wire."""

from __future__ import annotations

from typing import Final

from tidegate.core.headers import is_token
from tidegate.delivery.hop import BODY_METHODS, Hop
from tidegate.delivery.origin import Destination

FRAMING: Final = frozenset({"connection", "content-length", "host", "transfer-encoding"})
"""Headers that say where a request goes and where it ends: only this module writes them."""

NAMES_KEPT: Final = 4096


class _Names(dict[str, str]):
    """Header names as their lines begin; bounded, for names come from callers."""

    def __missing__(self, name: str) -> str:
        if not is_token(name) or name.lower() in FRAMING:
            raise ValueError("a header that cannot be sent")
        if len(self) >= NAMES_KEPT:
            self.clear()
        beginning = self[name] = f"{name}: "
        return beginning


_names = _Names()


def head(hop: Hop, where: Destination) -> bytes:
    """Request line and headers, up to and with the empty line. Raises ValueError for a header that cannot be sent."""
    headers = hop.headers
    lines = "".join([f"{_names[name]}{value}\r\n" for name, value in headers])
    # A line end within a value would begin a header of its own.
    if lines.count("\n") != len(headers) or lines.count("\r") != len(headers) or "\0" in lines:
        raise ValueError("a header that cannot be sent")
    if where.user and not any(name.lower() == "authorization" for name, _ in headers):
        lines += f"Authorization: {where.user}\r\n"
    if hop.body or hop.method in BODY_METHODS:
        lines += f"Content-Length: {len(hop.body)}\r\n"
    return f"{hop.method}{where.opening}{lines}\r\n".encode("ascii")
