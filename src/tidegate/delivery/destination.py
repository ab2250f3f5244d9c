"""Where a URL leads: the origin whose connections carry its requests, and what those begin with."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from ada_url import HostType, normalize_url, parse_url
from msgspec import Struct

from tidegate.core.target import basic_authorization

DEFAULT_PORTS: Final = {"http:": 80, "https:": 443}
REMEMBERED: Final = 1024

_READ: Final = ("protocol", "username", "password", "host", "hostname", "port", "host_type")
_SENDABLE: Final = re.compile(
    r"(https?://[^\x00-\x20/?#\\]+)(/[!-\"$->@-~]*)?(\?[!-\"$-~]*)?(?:#.*)?", re.IGNORECASE | re.DOTALL
)
"""Scheme with authority, path and query of a URL that can be sent as it is written. Path and query are visible ASCII:
nothing else may stand in a request's first line. All readers of URLs agree on where this authority ends.
"""


class Origin(Struct, frozen=True):
    """Scheme, host and port. ``host`` is a name in ASCII or, unless ``is_name``, an address without brackets."""

    text: str
    host: str
    is_name: bool
    port: int
    tls: bool


class Destination(Struct, frozen=True):
    """``opening`` is the request's head from its path to its Host line; ``user`` the Authorization that the URL's user
    information stands for, empty without one.
    """

    origin: Origin
    opening: str
    user: str


@lru_cache(maxsize=REMEMBERED)
def destination(url: str) -> Destination:
    """Where requests to this URL go: to the host and port that browsers would call (https://url.spec.whatwg.org), and
    there to the path and query as they are written, if these can be sent so. Raises ValueError for what cannot be
    called.
    """
    parts = _SENDABLE.fullmatch(url) or _SENDABLE.fullmatch(normalize_url(url))
    if parts is None:
        raise ValueError("a URL that leads nowhere")
    server, path, query = parts.groups()  # the parser's path has dot segments resolved and more encoded than need be
    origin, authority, user = _read(server)
    return Destination(origin, f" {path or '/'}{query or ''} HTTP/1.1\r\nHost: {authority}\r\n", user)


@lru_cache(maxsize=REMEMBERED)  # reading takes 12 us, and tasks whose URLs all differ often go to few servers
def _read(server: str) -> tuple[Origin, str, str]:
    """The origin, the Host header and the Authorization that a URL's scheme with its authority stands for."""
    url = parse_url(server, _READ)
    scheme, port = url["protocol"], int(url["port"] or DEFAULT_PORTS[url["protocol"]])
    origin = Origin(
        text=f"{scheme}//{url['hostname']}:{port}",
        host=url["hostname"].strip("[]"),
        is_name=url["host_type"] == HostType.DEFAULT,  # right only where a URL is read without a base
        port=port,
        tls=scheme == "https:",
    )
    user = f"{url['username']}:{url['password']}"
    return origin, url["host"], "" if user == ":" else basic_authorization(user)


def origin_of(url: str) -> str:
    """The origin of a URL as a text; empty for what cannot be called."""
    try:
        return destination(url).origin.text
    except ValueError:
        return ""
