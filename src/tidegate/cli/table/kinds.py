"""How the values of flags are read, and what becomes of them in a request."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tidegate.cli.verbosity import LEVELS

ROUTING_KEYS = ("service", "version", "instance")
URI_KEYS = ("scheme", "host", "port", "path", "query", "mode")
QUEUE_TYPES = ("pull", "push")
METHODS = ("POST", "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS")
SCHEMES = ("HTTP", "HTTPS")
MODES = ("ALWAYS", "IF_NOT_EXISTS")
VIEWS = ("basic", "full", "view-unspecified")
UNLIMITED = "unlimited"

_HEADER = re.compile(r"(\S+):(.+)", re.DOTALL)
_KEY = re.compile(r"([^:=]*)[:=](.*)", re.DOTALL)


class BadChoiceError(ValueError):
    """A value that is none of a few; gcloud ends such a message without the usage."""


class Kind(NamedTuple):
    """A form of values.

    ``read`` turns the text of the command line into JSON, or raises ValueError with the text that follows the flag's
    name. A kind that is ``many`` may be given again; ``join`` makes one value of all. ``late`` values are files, read
    only once the whole line is known to be right.
    """

    read: Callable[[str], Any]
    metavar: str = ""
    many: bool = False
    join: Callable[[Sequence[Any]], Any] | None = None
    late: bool = False
    choices: Sequence[str] = ()

    @property
    def switch(self) -> bool:
        """Whether the flag stands alone."""
        return self in (SWITCH, EMPTY)


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"invalid int value: {text!r}") from None


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"invalid float value: {text!r}") from None


def bounded(least: int) -> Callable[[str], int]:
    """Reads whole numbers from ``least`` on."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise ValueError(f"Value must be an integer; received: {text}") from None
        if number < least:
            raise ValueError(f"Value must be greater than or equal to {least}; received: {text}")
        return number

    return read


_attempts = bounded(-1)


def _attempts_or_unlimited(text: str) -> int:
    return -1 if text == UNLIMITED else _attempts(text)


def _alpha_attempts(text: str) -> dict[str, Any]:
    """v2beta2 has a field of its own for no limit, so this fills ``retryConfig`` itself."""
    return {"unlimitedAttempts": True} if text == UNLIMITED else {"maxAttempts": _attempts(text)}


def _one_of(known: Sequence[str], what: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.upper() not in known:
            raise ValueError(f"Bad value [{text}]: Only the following {what} are valid: [{', '.join(known)}].")
        return text.upper()

    return read


def _queue_type(text: str) -> str:
    if text not in QUEUE_TYPES:
        raise ValueError(f"Bad value [{text}]: Only the following queue types are valid: [{', '.join(QUEUE_TYPES)}].")
    return text.upper()


def _view(text: str) -> str:
    if text not in VIEWS:
        raise BadChoiceError(f"Invalid choice: {text!r}.\n\nValid choices are [{', '.join(VIEWS)}].")
    return text.upper().replace("-", "_")


def _verbosity(text: str) -> str:
    if text not in LEVELS:
        raise BadChoiceError(f"Invalid choice: {text!r}.\n\nValid choices are [{', '.join(sorted(LEVELS))}].")
    return text


def _pairs(text: str, known: Sequence[str]) -> dict[str, str]:
    """``service:a,version:b`` as a mapping; ``=`` will do for the colon."""
    found = {}
    for item in text.split(","):
        parts = _KEY.fullmatch(item)
        if parts is None:
            raise ValueError(f"Bad syntax for dict arg: [{item}]. Must be KEY:VALUE.")
        key, value = parts.groups()
        if key not in known:
            raise ValueError(f"Bad value [{key}]: Only the following keys are valid for routing: [{', '.join(known)}].")
        found[key] = value
    return found


def _routing(text: str) -> dict[str, str]:
    return _pairs(text, ROUTING_KEYS)


def _uri(text: str) -> dict[str, Any]:
    said = _pairs(text, URI_KEYS)
    uri: dict[str, Any] = {
        "pathOverride": {"path": said["path"]} if "path" in said else {},
        "queryOverride": {"queryParams": said["query"]} if "query" in said else {},
    }
    if "scheme" in said:
        uri["scheme"] = _one_of(SCHEMES, "schemes")(said["scheme"])
    if "host" in said:
        uri["host"] = said["host"]
    if "port" in said:
        uri["port"] = str(_integer(said["port"]))  # 64 bits are text in JSON
    if "mode" in said:
        uri["uriOverrideEnforceMode"] = _one_of(MODES, "modes")(said["mode"])
    return uri


def _header(text: str) -> tuple[str, str]:
    if _HEADER.fullmatch(text) is None:
        raise ValueError(f'Bad value [{text}]: Must be of the form: "HEADER_FIELD: HEADER_VALUE".')
    name, _, value = text.partition(":")
    return name, value.lstrip()


def _header_overrides(headers: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    return [{"header": {"key": name, "value": value}} for name, value in sorted(dict(headers).items())]


def base64(data: bytes) -> str:
    """Bytes as JSON has them."""
    from binascii import b2a_base64

    return b2a_base64(data, newline=False).decode()


def _content(text: str) -> str:
    return base64(text.encode())


def _span(text: str) -> str:
    from tidegate.cli.run.operating.spans import json_span

    return json_span(text)


TEXT = Kind(str)
INTEGER = Kind(_integer)
FLOAT = Kind(_float)
SWITCH = Kind(bool)
EMPTY = Kind(bool, "{}")
"""A switch that stands for a message without fields."""
COUNT = Kind(bounded(1))
SPAN = Kind(_span)
ATTEMPTS = Kind(_attempts_or_unlimited)
ALPHA_ATTEMPTS = Kind(_alpha_attempts)
SECONDS = Kind(lambda text: f"{_integer(text)}s")
ROUTING = Kind(_routing, "KEY:VALUE")
URI = Kind(_uri, "KEY:VALUE")
METHOD = Kind(_one_of(METHODS, "methods"), choices=METHODS)
QUEUE_TYPE = Kind(_queue_type, choices=QUEUE_TYPES)
CHANGED_TYPE = Kind(lambda text: {"PULL": "PULL"}.get(_queue_type(text)), choices=QUEUE_TYPES)
"""That a queue is a push queue goes without saying."""
VERBOSITY = Kind(_verbosity, choices=LEVELS)
VIEW = Kind(_view, choices=VIEWS)
HEADER = Kind(_header, "HEADER_FIELD: HEADER_VALUE", many=True, join=dict)
HEADER_OVERRIDE = Kind(_header, "HEADER_FIELD: HEADER_VALUE", many=True, join=_header_overrides)
CONTENT = Kind(_content)
FILE = Kind(str, late=True)
TAG = Kind(lambda text: f'tag="{text}"')
MANY = Kind(str, many=True, join=list)
