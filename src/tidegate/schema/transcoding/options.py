"""The query parameters that every call may carry, and what they ask of the answer."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote_plus

from tidegate.core.errors import InvalidArgument
from tidegate.schema.transcoding.violations import shown

Parameters = list[tuple[str, str | None]]
"""Keys and values in order, decoded; None for a key without ``=``."""

STANDARD = frozenset(
    {
        *("$.xgafv", "$alt", "access_token", "alt", "callback", "fields", "key", "oauth_token", "prettyPrint"),
        *("quotaUser", "uploadType", "upload_protocol", "$prettyPrint", "$userProject"),
    }
)
_PRETTY = {"prettyPrint", "$prettyPrint"}
_ALT = {"": False, "json": False, "json;enum-encoding=int": True}


@dataclass(frozen=True, slots=True)
class Options:
    """How to write an answer: enums as numbers, indented, only some of its fields (a ``fields`` expression)."""

    int_enums: bool = False
    pretty: bool = True
    fields: str = ""


def split_query(query: str) -> Parameters:
    """A raw query string, or a form-encoded body, taken apart. ``;`` separates nothing.

    Raises:
        InvalidArgument: the escapes do not make UTF-8.
    """
    parameters: Parameters = []
    for part in query.split("&"):
        if part:
            key, equals, value = part.partition("=")
            parameters.append((_decoded(key), _decoded(value) if equals else None))
    return parameters


def _decoded(text: str) -> str:
    try:
        decoded = unquote_plus(text, errors="strict")
        decoded.encode()
    except UnicodeError as error:
        raise InvalidArgument(f"The query is not UTF-8: {ascii(text)[:200]}") from error
    return decoded


def read_options(parameters: Parameters) -> Options:
    """What the standard parameters say.

    Raises:
        InvalidArgument: ``alt`` asks for something other than JSON.
    """
    options = Options()
    for key, value in parameters:
        if key in {"alt", "$alt"}:
            if (value or "") not in _ALT:
                raise InvalidArgument(
                    f"Invalid value for query parameter '{key}', {shown(value)}: only json is served."
                )
            options = Options(options.int_enums or _ALT[value or ""], options.pretty, options.fields)
        elif key in _PRETTY:
            options = Options(options.int_enums, _is_pretty(value or ""), options.fields)
        elif key == "fields":
            options = Options(options.int_enums, options.pretty, value or "")
    return options


def asks_for_pretty(query: bytes) -> bool:
    """Whether a raw query wants its answer indented, whatever else is wrong with it: for errors."""
    asked = [
        _is_pretty(value) for key, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True) if key in _PRETTY
    ]
    return not asked or asked[-1]


def _is_pretty(value: str) -> bool:
    return value.lower() not in {"false", "0"}
