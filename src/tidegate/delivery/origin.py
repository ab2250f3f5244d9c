"""Where a URL leads: the origin whose connections carry its requests, and what those begin with."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from msgspec import Struct
from pyreqwest.http import Url

from tidegate.core.target import basic_authorization

CALLABLE_SCHEMES: Final = frozenset({"http", "https"})
REMEMBERED: Final = 1024


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
    """Where requests to this URL go, as browsers read URLs (https://url.spec.whatwg.org). Raises ValueError for what
    cannot be called.
    """
    parsed = Url(url)
    host, port = parsed.host_str, parsed.port_or_known_default
    if parsed.scheme not in CALLABLE_SCHEMES or not host or port is None:
        raise ValueError("a URL that leads nowhere")
    origin = Origin(
        text=f"{parsed.scheme}://{host}:{port}",
        host=host.strip("[]"),
        is_name=parsed.domain is not None,
        port=port,
        tls=parsed.scheme == "https",
    )
    path = parsed.path if parsed.query_string is None else f"{parsed.path}?{parsed.query_string}"
    authority = host if parsed.port is None else f"{host}:{parsed.port}"
    user = f"{parsed.username or ''}:{parsed.password or ''}"
    return Destination(
        origin, f" {path} HTTP/1.1\r\nHost: {authority}\r\n", "" if user == ":" else basic_authorization(user)
    )


def origin_of(url: str) -> str:
    """The origin of a URL as a text; empty for what cannot be called."""
    try:
        return destination(url).origin.text
    except ValueError:
        return ""
