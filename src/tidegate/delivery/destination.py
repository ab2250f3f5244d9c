"""Where requests to a URL go: the origin whose connections carry them, and how they begin."""

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
"""Scheme with authority, path and query of a URL that can be sent as it is written. Path and query are visible ASCII,
because nothing else may be in the first line of a request. All URL parsers agree on where this authority ends.
"""


class Origin(Struct, frozen=True):
    """Scheme, host and port. ``host`` is a name in ASCII or, unless ``is_name``, an address without brackets."""

    text: str
    host: str
    is_name: bool
    port: int
    tls: bool


class Destination(Struct, frozen=True):
    """``opening`` is the request's head from its path to its Host line; ``user`` the Authorization header made of the
    URL's user information, empty when it has none.
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
    server, path, query = parts.groups()  # the parser's own path is changed: dot segments resolved, more encoded
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
        is_name=url["host_type"] == HostType.DEFAULT,  # correct only for URLs that are parsed without a base
        port=port,
        tls=scheme == "https:",
    )
    user = f"{url['username']}:{url['password']}"
    return origin, url["host"], "" if user == ":" else basic_authorization(user)


def origin_of(url: str) -> str:
    """The origin of a URL as a text. Empty when the URL cannot be called."""
    try:
        return destination(url).origin.text
    except ValueError:
        return ""
