"""Where a URL leads: the origin whose connections carry its requests, and what those begin with."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from msgspec import Struct
from pyreqwest.http import Url

from tidegate.core.target import basic_authorization

CALLABLE_SCHEMES: Final = frozenset({"http", "https"})
REMEMBERED: Final = 1024

_TARGET: Final = re.compile(r"https?://[^/?#]*(/[!-\"$->@-~]*)?(\?[!-\"$-~]*)?(?:#.*)?", re.IGNORECASE | re.DOTALL)
"""A URL whose path and query are of visible ASCII: nothing else may stand in a request's first line."""


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
    parsed = Url(url)
    target = _TARGET.fullmatch(url) or _TARGET.fullmatch(str(parsed))
    host, port = parsed.host_str, parsed.port_or_known_default
    if parsed.scheme not in CALLABLE_SCHEMES or not host or port is None or target is None:
        raise ValueError("a URL that leads nowhere")
    origin = Origin(
        text=f"{parsed.scheme}://{host}:{port}",
        host=host.strip("[]"),
        is_name=parsed.domain is not None,
        port=port,
        tls=parsed.scheme == "https",
    )
    path, query = target.groups()  # the parser's own have dot segments resolved and more encoded than need be
    authority = host if parsed.port is None else f"{host}:{parsed.port}"
    user = f"{parsed.username or ''}:{parsed.password or ''}"
    return Destination(
        origin,
        opening=f" {path or '/'}{query or ''} HTTP/1.1\r\nHost: {authority}\r\n",
        user="" if user == ":" else basic_authorization(user),
    )


def origin_of(url: str) -> str:
    """The origin of a URL as a text; empty for what cannot be called."""
    try:
        return destination(url).origin.text
    except ValueError:
        return ""
