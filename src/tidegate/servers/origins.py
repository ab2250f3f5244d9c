"""Which requests that browsers make are answered: other sites' pages may use the server only if the operator says so.

A browser sends what a page asks for to every server that it reaches, the user's own machine included. It says whose
page it is: in ``Sec-Fetch-Site``, older browsers in ``Origin``. Behind a name that its owner has made to point here
(DNS rebinding) the page counts as ours; then the name in ``Host`` tells. Other clients send neither of the first two.

Two gaps remain. Over plain HTTP to another machine a browser sends no ``Sec-Fetch-Site``, and no ``Origin`` when it
only reads. And an address that the user opens counts as typed even when it redirects here. The one call that changes
something by GET is therefore answered to browsers only for pages of ours.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from ipaddress import ip_address
from typing import Final

from tidegate.core.errors import PermissionDenied

HOST_MAX: Final = 261
"""Bytes of a Host header: a name of 253 characters with its final dot, a colon and a port (RFC 1035, RFC 3986)."""
SHOWN_MAX: Final = 100
"""Characters of a refused header that the refusal repeats."""

OPEN_TO_LINKS: Final = frozenset({"/healthz", "/readyz"})
"""Paths that a link on another site may lead to, beside the console's pages: reading them changes nothing."""
CONSOLE: Final = "/console/"
BUFFER: Final = ":buffer"
"""How the path of BufferTask ends, which makes a task by GET and HEAD too."""

_OURS: Final = frozenset({b"same-origin", b"none"})  # none: typed, a bookmark, or an extension that may do so
_BROWSER: Final = b"Mozilla/"  # how every browser's User-Agent begins; a page cannot change it
_AUTHORITY: Final = re.compile(r"(?:\[([0-9a-f:.]+)(?:%[^\]]*)?\]|([a-z0-9._-]+))(?::([0-9]{0,5}))?", re.IGNORECASE)
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}
_BUFFER_TEXT: Final = (
    "A browser may create a task with GET or HEAD only for a page of this server, because any site can lead it here: "
    "use POST."
)


class Origins:
    """The rule. ``hosts`` are the names of this server beside IP addresses, ``localhost`` and ``*.localhost``; one that
    begins with ``*.`` stands for all names below it. ``origins`` are those whose pages may call. ``console_hosts`` are
    further names, under which only the console answers; pages of other origins may not use that in any case.
    """

    def __init__(
        self, hosts: Iterable[str] = (), origins: Iterable[str] = (), console_hosts: Iterable[str] = ()
    ) -> None:
        hosts = list(hosts)
        self._origins = frozenset(origin.encode() for origin in origins)
        # Callers use the same few names.
        self._is_refused_host = lru_cache(maxsize=64)(_Names(hosts).refuses)
        self._is_refused_at_console = lru_cache(maxsize=64)(_Names([*hosts, *console_hosts]).refuses)

    def allow(self, method: str, path: str, headers: Collection[tuple[bytes, bytes]]) -> bytes | None:
        """The allowed origin of the other site's page that makes this request; None when no such page does.

        ``headers`` have lower-case names. Raises PermissionDenied, with the setting that would allow the request.
        """
        found = dict(headers)
        if len(found) != len(headers):
            found = _joined(headers)
        host = found.get(b"host", b"")
        console = path.startswith(CONSOLE)
        refused = self._is_refused_at_console if console else self._is_refused_host
        if host and (len(host) > HOST_MAX or refused(host)):
            raise PermissionDenied(_host_text(host, "--console-hosts" if console else "--allow-hosts"))
        site, origin = found.get(b"sec-fetch-site"), found.get(b"origin")
        reads = method in {"GET", "HEAD"}
        if site is None and origin is None:
            led = found.get(b"user-agent", b"").startswith(_BROWSER)  # by any page, for all we know
        elif site in _OURS or (site is None and origin is not None and is_at(origin, host)):
            led = site == b"none" and origin is None
        elif origin is not None and origin.lower() in self._origins and not console:
            return origin
        elif reads and (path in OPEN_TO_LINKS or console) and _is_link(found):
            return None
        elif console:
            raise PermissionDenied("Pages of other sites cannot use the console.")
        else:
            raise PermissionDenied(_origin_text(origin))
        if led and reads and path.endswith(BUFFER):
            raise PermissionDenied(_BUFFER_TEXT)
        return None


class _Names:
    """Names of this server."""

    def __init__(self, hosts: Iterable[str]) -> None:
        names = {_plain(host) for host in hosts}
        self._names = frozenset({"localhost", *names})
        self._suffixes = (".localhost", *(name[1:] for name in names if name.startswith("*.")))

    def refuses(self, host: bytes) -> bool:
        name, _ = _split(host.decode("latin-1"))
        return not (_is_address(name) or name in self._names or name.endswith(self._suffixes))


def _joined(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """By name, the values of one name joined by commas: two hosts, origins or sites are none that is allowed."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        found[name] = b"%b,%b" % (found[name], value) if name in found else value
    return found


def _is_link(headers: dict[bytes, bytes]) -> bool:
    return headers.get(b"sec-fetch-mode") == b"navigate" and headers.get(b"sec-fetch-dest") == b"document"


def is_at(origin: bytes, host: bytes) -> bool:
    """Whether ``origin`` is the site at ``host``. A proxy may have ended TLS, so the scheme only implies the port."""
    scheme, _, authority = origin.decode("latin-1").lower().partition("://")
    default = _DEFAULT_PORTS.get(scheme)
    if default is None:  # null, an extension, a program
        return False
    name, port = _split(authority)
    our_name, our_port = _split(host.decode("latin-1"))
    return bool(name) and (name, port or default) == (our_name, our_port or default)


def _split(authority: str) -> tuple[str, str]:
    """Host, without brackets and final dot and in lower case, and port; both empty when they are malformed."""
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        return "", ""
    return _plain(match[1] or match[2]), match[3] or ""


def _plain(host: str) -> str:
    return host.lower().removesuffix(".")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _host_text(host: bytes, setting: str) -> str:
    name, _ = _split(host.decode("latin-1"))
    cure = f": if it is, start the server with {setting} {name}." if name and len(host) <= HOST_MAX else "."
    return f"Host {_shown(host)} is no name of this server{cure}"


def _origin_text(origin: bytes | None) -> str:
    text = "" if origin is None else origin.decode("latin-1")
    if text.startswith(("http://", "https://")):
        named = f"Origin {_shown(origin)} is another site"
        return f"{named}: if its pages may call this server, start it with --allow-origins {_cut(text)}."
    named = (
        "The request comes from a page of another site" if origin is None else f"Origin {_shown(origin)} names no site"
    )
    return f"{named}; only pages whose http or https origin is in --allow-origins may call this server."


def _shown(value: bytes | None) -> str:
    return repr(_cut((value or b"").decode("latin-1")))


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}…"
