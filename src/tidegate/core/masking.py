"""Secrets taken out of what is kept of requests and responses: header values and parts of URLs become ``***``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain
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
_VERDICTS: Final[dict[str, bool]] = {}


def is_secret(name: str) -> bool:
    """Whether the value of a header or URL parameter of this name is a secret."""
    known = _VERDICTS.get(name)
    if known is not None:
        return known
    secret = _SECRET.search(name) is not None or name.lower().removeprefix("x-") in _SHORT_NAMES
    if len(name) <= _LONGEST_REMEMBERED:
        if len(_VERDICTS) >= _REMEMBERED:
            _VERDICTS.clear()
        _VERDICTS[name] = secret
    return secret


def masked_url(url: str) -> str:
    """The URL without its user information, and with ``***`` for the values of parameters that are secrets."""
    if "@" in url:
        url = _USER.sub(f"{MASK}@", url)
    return _PARAMETER.sub(_masked_parameter, url) if "=" in url else url


def masked_headers(headers: Headers, count: int, size: int) -> Headers:
    """The first ``count`` of the headers, as far as their names and values fit into ``size`` characters, with ``***``
    for secrets. URLs in values are masked as such.
    """
    known = _VERDICTS
    if len(headers) <= count:
        text = "".join(chain.from_iterable(headers))
        if len(text) <= size and "=" not in text and "@" not in text:
            for name, _ in headers:
                if known.get(name) is not False:
                    break
            else:
                return headers  # as nearly always, and looked at in half the time
    return _each_masked(headers, count, size)


def _each_masked(headers: Iterable[tuple[str, str]], count: int, size: int) -> Headers:
    kept: list[tuple[str, str]] = []
    known = _VERDICTS
    for header in headers:
        name, value = header
        secret = known.get(name)
        if secret if secret is not None else is_secret(name):
            header = name, MASK  # noqa: PLW2901 - most are kept as they are
        elif "=" in value or "@" in value:
            header = name, masked_url(value)  # noqa: PLW2901
        size -= len(name) + len(header[1])
        if size < 0 or len(kept) == count:
            break
        kept.append(header)
    return tuple(kept)


def _masked_parameter(found: re.Match[str]) -> str:
    mark, name, value = found.groups()
    return f"{mark}{name}={MASK if is_secret(name) else value}"
