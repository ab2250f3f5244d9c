"""URLs as tasks hold them: stored as sent, taken apart and percent-encoded when they are used."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from msgspec import Struct

SCHEMES: Final = ("http://", "https://")
PORT_MAX: Final = 65535

_SUB_DELIMS: Final = "!$&'()*+,;="
_PATH: Final = f"-._~{_SUB_DELIMS}:@/%"  # RFC 3986, pchar and the slash; escapes stay as they are
_QUERY: Final = _PATH + "?"

_URL: Final = re.compile(r"(https?)://([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#.*)?", re.DOTALL)
_AUTHORITY: Final = re.compile(r"(?:(.*)@)?(\[[0-9A-Fa-f:.]+\]|[^@:\[\]]+)(?::([0-9]*))?", re.DOTALL)
_PLAIN_HOST: Final = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")

# The form of most URLs: nothing to encode, no user, no fragment, and all parsers agree about the host.
_READY: Final = re.compile(
    r"https?://[A-Za-z0-9._-]+(?::[1-9][0-9]{0,3})?/[A-Za-z0-9\-._~!$&'()*+,;=:@/]*(?:\?[A-Za-z0-9\-._~!$&'()*+,;=:@/?]*)?"
)


class Url(Struct, frozen=True):
    """The parts of an ``http`` or ``https`` URL, as written. None is unset; the fragment is left out."""

    scheme: str
    user: str | None
    host: str
    port: int | None
    path: str
    query: str | None

    def __str__(self) -> str:
        """The URL to send, percent-encoded where that is needed and without the user."""
        port = "" if self.port is None else f":{self.port}"
        path = encode_path(self.path) or "/"
        query = "" if self.query is None else f"?{encode_query(self.query)}"
        return f"{self.scheme}://{self.host}{port}{path}{query}"


def is_ready(url: str) -> bool:
    """Whether the URL can be sent as it is."""
    return _READY.fullmatch(url) is not None


def split(url: str) -> Url | None:
    """The parts of a URL, or None when its host or port cannot be called."""
    whole = _URL.fullmatch(url)
    if whole is None:
        return None
    scheme, authority, path, query = whole.groups()
    inner = _AUTHORITY.fullmatch(authority)
    if inner is None or "\\" in authority:  # parsers disagree about the host of a URL with a backslash
        return None
    user, host, port = inner.groups()
    ascii_host = _ascii_host(host)
    if ascii_host is None or len(port or "") > 5:
        return None
    number = int(port) if port else None
    if number is not None and not 0 < number <= PORT_MAX:
        return None
    return Url(scheme, user, ascii_host, number, path, query)


def is_host(text: str) -> bool:
    """Whether the text is a bare host: a name or address, without scheme, port or path."""
    return _PLAIN_HOST.fullmatch(text) is not None


def is_intact(text: str) -> bool:
    """Whether every percent sign begins an escape."""
    return _BAD_ESCAPE.search(text) is None


def encode_path(path: str) -> str:
    return quote(path, safe=_PATH, errors="replace")


def encode_query(query: str) -> str:
    return quote(query, safe=_QUERY, errors="replace")


def encoded_length(text: str) -> int:
    """How many characters the text has once everything that needs it is percent-encoded."""
    return len(quote(text, safe=_QUERY + "#[]", errors="replace"))


def _ascii_host(host: str) -> str | None:
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    return host if is_host(host) else None
