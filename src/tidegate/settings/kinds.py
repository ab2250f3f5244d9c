"""How values are written. Each kind reads a text or refuses it with a rule, and writes a value as a text."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

from tidegate.core.names import LOCATION_ID, PROJECT_ID
from tidegate.core.urls import SCHEMES
from tidegate.settings.stores import StoreUrl, read_store

UNITS = {"d": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1000}  # microseconds
EGRESS_WORDS = ("all", "public")
_DEFAULT_PORTS = {"http": "80", "https": "443"}

SIZES = {"": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}

_BYTES = re.compile(r"(\d{1,15})(KiB|MiB|GiB)?")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_HOST = re.compile(r"(?:\*\.)?(?:[a-z0-9_-]+\.)*[a-z0-9_-]*[a-z_-][a-z0-9_-]*\.?")  # the last label is not a number
_ORIGIN = re.compile(r"(https?)://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([1-9][0-9]{0,4}))?/?")
_SERVICE = re.compile(r"(?:[A-Za-z0-9-]+\.)?[A-Za-z0-9-]+")


class RefusedError(ValueError):
    """A value was refused; ``rule`` says what it must be: ``a whole number from 0 to 65535``.

    ``at`` leads from the setting to the refused part, and ``value`` is that part.
    """

    def __init__(self, rule: str, at: tuple[str | int, ...] = (), value: Any = None) -> None:
        super().__init__(rule)
        self.rule = rule
        self.at = at
        self.value = value

    def within(self, step: str | int, value: Any) -> RefusedError:
        """The same refusal, with one step more before its place."""
        return type(self)(self.rule, (step, *self.at), self.value if self.at else value)


class UnknownFieldError(RefusedError):
    """A table has an unknown field. ``rule`` is the whole sentence."""


@dataclass(frozen=True)
class ValueKind:
    """How a value is written. ``read`` raises RefusedError; ``table`` reads a table, which only a file can have."""

    metavar: str
    read: Callable[[str], Any]
    show: Callable[[Any], str] = str
    table: Callable[[Mapping[str, Any]], Any] | None = None


def _text(value: str) -> str:
    if not value.strip():
        raise RefusedError("some text")
    return value.strip()


def _id(grammar: str, rule: str) -> Callable[[str], str]:
    pattern = re.compile(grammar)

    def read(value: str) -> str:
        if not pattern.fullmatch(value.strip()):
            raise RefusedError(rule)
        return value.strip()

    return read


def _whole(least: int, most: int | None = None) -> Callable[[str], int]:
    rule = f"a whole number from {least} to {most}" if most is not None else f"a whole number of at least {least}"

    def read(value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            raise RefusedError(rule) from None
        if number < least or (most is not None and number > most):
            raise RefusedError(rule)
        return number

    return read


def _number(value: str) -> float:
    """The number, or NaN, which no rule takes."""
    try:
        return float(value)
    except ValueError:
        return math.nan


def _above_zero(value: str) -> float:
    number = _number(value)
    if not (math.isfinite(number) and number > 0):
        raise RefusedError("a number above 0")
    return number


def _ratio(value: str) -> float:
    number = _number(value)
    if not 0 <= number <= 1:
        raise RefusedError("a number from 0 to 1")
    return number


def show_number(number: float) -> str:
    """``500`` for 500.0, ``0.5`` for 0.5."""
    return f"{number:g}" if number != int(number) else str(int(number))


def read_bytes(value: str) -> int:
    """``256MiB``, ``64KiB``, ``1GiB``; a number alone is bytes. At least one byte."""
    match = _BYTES.fullmatch(value.strip())
    size = 0 if match is None else int(match[1]) * SIZES[match[2] or ""]
    if not size:
        raise RefusedError("a size such as 65536, 64KiB, 256MiB or 1GiB")
    return size


def show_bytes(size: int) -> str:
    """In the largest unit that needs no fraction."""
    unit = next(unit for unit in reversed(SIZES) if size % SIZES[unit] == 0)
    return f"{size // SIZES[unit]}{unit}"


def read_duration(value: str) -> timedelta:
    """``30s``, ``7d``, ``500ms``, ``1.5h``; cut to microseconds."""
    match = _DURATION.fullmatch(value.strip())
    rule = "a duration such as 500ms, 30s, 5m, 12h or 7d"
    if match is None:
        raise RefusedError(rule)
    try:
        return timedelta(microseconds=int(Decimal(match[1]) * UNITS[match[2]]))
    except OverflowError:
        raise RefusedError(rule) from None


def show_duration(span: timedelta) -> str:
    """In the largest unit that needs no fraction: ``7d``, ``90s``, ``500ms``; microseconds as a fraction."""
    micros = span // timedelta(microseconds=1)
    if not micros:
        return "0s"
    for unit, size in UNITS.items():
        if micros % size == 0:
            return f"{micros // size}{unit}"
    return f"{Decimal(micros) / 1000}ms"


def _duration(least: timedelta, most: timedelta) -> Callable[[str], timedelta]:
    def read(value: str) -> timedelta:
        span = read_duration(value)
        if not least <= span <= most:
            raise RefusedError(f"a duration from {show_duration(least)} to {show_duration(most)}")
        return span

    return read


def _some_duration(value: str) -> timedelta:
    span = read_duration(value)
    if not span:
        raise RefusedError("a duration longer than 0s")
    return span


def _whole_seconds(value: str) -> timedelta:
    span = _some_duration(value)
    if span % timedelta(seconds=1):
        raise RefusedError("a duration of whole seconds")
    return span


def _switch(value: str) -> bool:
    word = value.strip().lower()
    if word in {"true", "yes", "on", "1"}:
        return True
    if word in {"false", "no", "off", "0"}:
        return False
    raise RefusedError("true or false")


def _one_of(*words: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value.strip().lower() not in words:
            raise RefusedError(" or ".join(words))
        return value.strip().lower()

    return read


def _attempts(value: str) -> int:
    rule = "a whole number of at least 1, or -1 for no limit"
    try:
        number = _whole(-1)(value)
    except RefusedError:
        raise RefusedError(rule) from None
    if not number:
        raise RefusedError(rule)
    return number


def _store(value: str) -> StoreUrl:
    try:
        return read_store(value)
    except ValueError as error:
        raise RefusedError(str(error)) from None


def _url(value: str) -> str:
    """An http or https URL with a host, without a slash at its end."""
    url = value.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # the port is no number, or a bracket is not closed
        usable = False
    if not usable:
        raise RefusedError("a URL that starts with http:// or https://")
    return url


def _egress(value: str) -> str:
    rule = value.strip().lower()
    bare = rule.removeprefix("!")
    if bare in EGRESS_WORDS or _is_network(bare) or _HOST.fullmatch(bare):
        return rule
    raise RefusedError(
        "all, public, a network such as 10.1.0.0/16 or a host such as *.internal, with ! in front to forbid it"
    )


def _host_name(value: str) -> str:
    name = value.strip().lower().removesuffix(".")
    if not _HOST.fullmatch(name):
        raise RefusedError("a host name without a port, such as tasks.example.com or *.internal")
    return name


def _origin(value: str) -> str:
    """An origin as browsers write it: in lower case, without the default port."""
    match = _ORIGIN.fullmatch(value.strip().lower())
    if match is None:
        raise RefusedError("an origin such as http://localhost:3000 or https://app.example.com")
    scheme, host, port = match.groups()
    return f"{scheme}://{host}" if port in {None, _DEFAULT_PORTS[scheme]} else f"{scheme}://{host}:{port}"


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def _route(value: str) -> tuple[str, str]:
    service, _, url = value.partition("=")
    if not _SERVICE.fullmatch(service.strip()):
        raise RefusedError("SERVICE=URL or VERSION.SERVICE=URL")
    try:
        return service.strip(), _url(url)
    except RefusedError:
        raise RefusedError(
            "SERVICE=URL or VERSION.SERVICE=URL with a URL that starts with http:// or https://"
        ) from None


def _mapping(value: str) -> tuple[str, str]:
    """``PREFIX=URL``; the prefix may have equal signs in its query, so the URL begins at the last one before http."""
    rule = "URL_PREFIX=URL or *=URL, both http:// or https://"
    prefix, equals, rest = value.strip().rpartition("=http")
    if not equals:
        raise RefusedError(rule)
    try:
        whole = prefix == "*" or prefix.lower() in SCHEMES
        return (prefix.lower() if whole else _url(prefix)), _url(f"http{rest}")
    except RefusedError:
        raise RefusedError(rule) from None


HOST = ValueKind("HOST", lambda value: _text(value).removeprefix("[").removesuffix("]"))
PROJECT = ValueKind("PROJECT", _id(PROJECT_ID, "a project ID such as my-project"))
LOCATION = ValueKind("LOCATION", _id(LOCATION_ID, "a location ID such as us-central1"))
PORT = ValueKind("PORT", _whole(0, 65535))
COUNT = ValueKind("N", _whole(1))
BYTES = ValueKind("SIZE", read_bytes, show_bytes)
RATE = ValueKind("RATE", _above_zero, show_number)
RATIO = ValueKind("RATIO", _ratio, show_number)
ATTEMPTS = ValueKind("N", _attempts)
DURATION = ValueKind("DURATION", read_duration, show_duration)
SOME_DURATION = ValueKind("DURATION", _some_duration, show_duration)
WHOLE_SECONDS = ValueKind("DURATION", _whole_seconds, show_duration)
SWITCH = ValueKind("", _switch, lambda on: "true" if on else "false")
FILE = ValueKind("FILE", _text)
STORE = ValueKind("URL", _store)
URL = ValueKind("URL", _url)
EGRESS = ValueKind("RULE", _egress)
HOST_NAME = ValueKind("NAME", _host_name)
ORIGIN = ValueKind("ORIGIN", _origin)
ROUTE = ValueKind("SERVICE=URL", _route, "=".join)
MAPPING = ValueKind("PREFIX=URL", _mapping, "=".join)


def one_of(*words: str) -> ValueKind:
    return ValueKind("|".join(words), _one_of(*words))


def duration(least: timedelta, most: timedelta) -> ValueKind:
    return ValueKind("DURATION", _duration(least, most), show_duration)
