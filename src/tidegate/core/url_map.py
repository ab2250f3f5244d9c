"""Where tasks are sent in place of where their URLs lead: production's URLs to the machine of a developer."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from tidegate.core.urls import SCHEMES

EVERYWHERE: Final = "*"
"""The prefix of every URL whose host is not this machine itself, called by its number or as localhost."""

REMEMBERED: Final = 1024


class Mapped(Struct, frozen=True):
    """The URL to call, and the host (with its port) that the task's own URL has."""

    url: str
    host: str


class UrlMap:
    """URLs by the prefixes that they take the place of, ``{"https://api.example.com": "http://localhost:3000"}``.

    The longest prefix wins; it ends where a part of the URL ends. What follows the prefix is kept, and for ``*`` the
    whole path. A scheme alone, ``http://``, takes all its URLs, those of this machine too; their host becomes the first
    part of the path. An URL without a prefix here is called as it is.
    """

    def __init__(self, urls: Mapping[str, str]) -> None:
        known = {_folded(prefix): url.rstrip("/") for prefix, url in urls.items()}
        self._everywhere = known.pop(EVERYWHERE, None)
        self._known = sorted(known.items(), key=lambda item: -len(item[0]))
        self.mapped = lru_cache(maxsize=REMEMBERED)(self._mapped)

    def _mapped(self, url: str) -> Mapped | None:
        """What is called in place of ``url``; None if it is called as it is."""
        folded = _folded(url)
        host = folded.partition("://")[2].partition("/")[0].partition("?")[0]
        for prefix, target in self._known:
            rest = folded[len(prefix) :]
            if folded.startswith(prefix) and (not rest or rest[0] in "/?" or prefix in SCHEMES):
                return Mapped(_joined(target, rest), host)
        if self._everywhere is None or _is_this_machine(url):
            return None
        return Mapped(_joined(self._everywhere, folded.partition("://")[2].removeprefix(host)), host)


def _joined(base: str, rest: str) -> str:
    return base + (rest if rest.startswith("/") or not rest else f"/{rest}")


def _folded(url: str) -> str:
    """The URL with scheme and host in lower case and without user and fragment."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url.rstrip("/")
    rest = rest.partition("#")[0]
    end = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    authority, path = rest[:end].rpartition("@")[2].lower(), rest[end:]
    return f"{scheme.lower()}://{authority}{'' if path == '/' else path}"


def _is_this_machine(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return True  # nobody can call it, wherever it leads
    if host == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
