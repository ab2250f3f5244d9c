"""Secrets taken out of what is kept of requests and responses: header values and parts of URLs become ``***``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

MASK: Final = "***"

Headers = tuple[tuple[str, str], ...]

_SECRET: Final = re.compile(
    r"authorization|cookie|token|secret|password|passwd|credential|signature|api-?_?key|session", re.IGNORECASE
)
"""Names of headers and of URL parameters whose values are secrets, wherever in the name this stands."""
_SHORT_NAMES: Final = frozenset({"key", "sig", "code", "auth", "pwd", "jwt"})
"""Such names that must match as a whole, for they stand in harmless ones too."""
_USER: Final = re.compile(r"(?<=//)[^/?#\s]*@")
_PARAMETER: Final = re.compile(r"([?&#;])([^=&#;\s]+)=([^&#;\s]*)")
_REMEMBERED: Final = 1024
_LONGEST_REMEMBERED: Final = 100  # characters: names come from callers


def is_secret(name: str) -> bool:
    """Whether the value of a header or URL parameter of this name is a secret."""
    return _known_secret(name) if len(name) <= _LONGEST_REMEMBERED else _is_secret(name)


def _is_secret(name: str) -> bool:
    return _SECRET.search(name) is not None or name.lower().removeprefix("x-") in _SHORT_NAMES


_known_secret = lru_cache(maxsize=_REMEMBERED)(_is_secret)


def masked_url(url: str) -> str:
    """The URL without its user information, and with ``***`` for the values of parameters that are secrets."""
    if "@" in url:
        url = _USER.sub(f"{MASK}@", url)
    return _PARAMETER.sub(_masked_parameter, url) if "=" in url else url


def masked_headers(headers: Iterable[tuple[str, str]], count: int, size: int) -> Headers:
    """The first ``count`` of the headers, as far as their names and values fit into ``size`` characters, with ``***``
    for secrets. URLs in values are masked as such.
    """
    kept: list[tuple[str, str]] = []
    for name, sent in headers:
        value = MASK if is_secret(name) else masked_url(sent) if "=" in sent or "@" in sent else sent
        size -= len(name) + len(value)
        if size < 0 or len(kept) == count:
            break
        kept.append((name, value))
    return tuple(kept)


def _masked_parameter(found: re.Match[str]) -> str:
    mark, name, value = found.groups()
    return f"{mark}{name}={MASK if is_secret(name) else value}"
