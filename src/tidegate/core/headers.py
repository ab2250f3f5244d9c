"""Headers of tasks: which a caller may set, how values become sendable, what is filled in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

HTTP_USER_AGENT: Final = "Google-Cloud-Tasks"
APP_ENGINE_USER_AGENT: Final = "AppEngine-Google; (+http://code.google.com/appengine)"
OCTET_STREAM: Final = "application/octet-stream"

HEADER_MAX: Final = 8188
"""Bytes of a name and its value together; a longer header is dropped. Measured at the real service."""
HEADERS_MAX: Final = 80 * 1024
"""Bytes of all headers of an HTTP task, and of a queue's overrides; they must stay below. HttpRequest.headers' docs."""

HEADERS_COUNT_MAX: Final = 4096
"""Headers that a caller may send with a task, dropped ones included. Our choice: each takes a microsecond to check."""
OVERRIDES_MAX: Final = 1000
"""Header overrides of a queue. Our choice, for the same reason: each dispatch looks at all of them."""

RESERVED: Final = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "from",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "via",
        "x-forwarded-for",
    }
)
"""In lower case: names that are dropped from HTTP tasks and refused in a queue's overrides."""
RESERVED_PREFIXES: Final = ("x-google", "x-appengine")
OWN_PREFIX: Final = "x-cloudtasks-"
"""Kept in tasks, where the real ones replace them at dispatch; refused in a queue's overrides."""

# App Engine says what it drops; the length is computed.
_APP_ENGINE_RESERVED: Final = frozenset({"host", "content-length"})

_NAME: Final = re.compile(r"[!-9;-~]+")  # visible ASCII without the colon
_VALUE: Final = re.compile(r"[\t -~]+")
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2

_REMEMBERED: Final = 1024
_REMEMBERED_LENGTH: Final = 100


def is_kept(name: str) -> bool:
    """Whether an HTTP task may carry a header of that name."""
    if not _NAME.fullmatch(name):
        return False
    lower = name.lower()
    return lower not in RESERVED and not lower.startswith(RESERVED_PREFIXES)


def is_token(name: str) -> bool:
    """Whether the name can be sent at all (RFC 9110)."""
    return _TOKEN.fullmatch(name) is not None


class _Verdicts(dict[str, bool]):
    """Whether a header is kept, by its name. Bounded, because names come from callers."""

    def __missing__(self, name: str) -> bool:
        verdict = is_kept(name)
        if len(name) <= _REMEMBERED_LENGTH:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[name] = verdict
        return verdict


_kept: Final = _Verdicts()


def clean_value(value: str) -> str | None:
    """The value as it can be sent: cut at the first NUL, CR and LF as ``_``; None when it is then empty or unsendable.

    Control characters other than the tab, and everything beyond ASCII, cannot be sent.
    """
    if value.isprintable() and value.isascii():
        return value or None
    value = value.partition("\0")[0].replace("\r", "_").replace("\n", "_")
    return value if _VALUE.fullmatch(value) else None


def clean_http_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers an HTTP task is stored with: those its caller may set, made sendable, and our User-Agent.

    Headers that the caller may not set are dropped without an error.
    """
    cleaned = {"User-Agent": HTTP_USER_AGENT}
    for name, value in headers.items():
        if not _kept[name]:
            continue
        sendable = clean_value(value)
        if sendable is not None and len(name) + len(sendable) <= HEADER_MAX:
            cleaned[name] = sendable
    return cleaned


def clean_app_engine_headers(headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    """The headers an App Engine task is stored with.

    Our User-Agent is appended to the caller's. A task with a body also has a content length, and a content type if the
    caller gave none.
    """
    cleaned: dict[str, str] = {}
    agent, typed = "", False
    for name, value in headers.items():
        lower = name.lower()
        if not _NAME.fullmatch(name) or lower in _APP_ENGINE_RESERVED or lower.startswith(RESERVED_PREFIXES):
            continue
        sendable = clean_value(value)
        if sendable is None or len(name) + len(sendable) > HEADER_MAX:
            continue
        if lower == "user-agent":
            agent = f"{sendable} "
            continue
        typed = typed or lower == "content-type"
        cleaned[name] = sendable
    cleaned["User-Agent"] = agent + APP_ENGINE_USER_AGENT
    if body:
        if not typed:
            cleaned["Content-Type"] = OCTET_STREAM
        cleaned["Content-Length"] = str(len(body))
    return cleaned


def refused_overrides(names: Iterable[str]) -> list[str]:
    """The names that a queue may not override, spelt as they were sent."""
    return [name for name in names if not is_kept(name) or name.lower().startswith(OWN_PREFIX)]


def total_size(headers: Iterable[tuple[str, str]]) -> int:
    """Bytes of all names and values together."""
    return sum(len(name) + len(value.encode("utf-8", "replace")) for name, value in headers)
