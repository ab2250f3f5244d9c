"""What is wrong with a request's JSON and query, in the words of the real service, one line for each finding."""

from __future__ import annotations

import json
from typing import Any

from tidegate.core.errors import BadRequest, FieldViolation, InvalidArgument
from tidegate.schema.names import type_url

PAYLOAD = "Invalid JSON payload received. "
MOST_VIOLATIONS = 100  # a body of a million unknown names must not make an answer of that size
LONGEST_SHOWN = 1000  # nor a long value


class MisfitError(ValueError):
    """A value that its field cannot hold; ``says`` is how the error text ends."""

    def __init__(self, says: str) -> None:
        super().__init__(says)
        self.says = says


class UnknownNameError(MisfitError):
    """A name that its enum does not have: one of a newer server, perhaps."""


class Violations:
    """Findings so far, in the order of the body."""

    def __init__(self) -> None:
        self._found: list[FieldViolation] = []

    def unknown(self, name: str, path: str, why: str = "Cannot find field.") -> None:
        """A member ``name`` that the message at ``path`` (empty: the request itself) does not have."""
        place = f" at '{path}'" if path else ""
        self._add(f'{PAYLOAD}Unknown name "{shorten(name)}"{place}: {why}', path)

    def invalid(self, path: str, kind: str, says: str) -> None:
        """A value at ``path`` that its field of ``kind`` cannot hold."""
        place = f" at '{path}'" if path else ""
        self._add(f"Invalid value{place} ({kind}), {says}", path)

    def taken(self, path: str, oneof: str, name: str) -> None:
        """A member ``name`` of a ``oneof`` of which the message at ``path`` has another already."""
        self.invalid(path, "oneof", f"oneof field '{oneof}' is already set. Cannot set '{name}'")

    def _add(self, line: str, path: str) -> None:
        self._found.append(FieldViolation(line, path))
        if len(self._found) == MOST_VIOLATIONS:
            self.check()

    def check(self) -> None:
        """Raise InvalidArgument when there is any finding."""
        if self._found:
            text = "\n".join(violation.description for violation in self._found)
            raise InvalidArgument(text, BadRequest(tuple(self._found)))


def malformed(says: object) -> InvalidArgument:
    """The error for a body that is not JSON at all; it has no details."""
    return InvalidArgument(f"{PAYLOAD}{says}")


def not_a_message() -> InvalidArgument:
    """The error for a body that is JSON but not an object."""
    line = f'{PAYLOAD}Unknown name "": Root element must be a message.'
    return InvalidArgument(line, BadRequest((FieldViolation(line),)))


def shown(value: Any) -> str:
    """A JSON value as an error text shows it."""
    return shorten(json.dumps(value, ensure_ascii=False))


def shorten(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"


def kind_of(field: Any) -> str:
    """The type of a field as error texts name it: ``TYPE_STRING``, or the type URL of a message or enum."""
    held = field.message_type or field.enum_type
    return type_url(held) if held else _SCALARS[field.type]


_SCALARS = {
    1: "TYPE_DOUBLE",
    2: "TYPE_FLOAT",
    3: "TYPE_INT64",
    4: "TYPE_UINT64",
    5: "TYPE_INT32",
    6: "TYPE_FIXED64",
    7: "TYPE_FIXED32",
    8: "TYPE_BOOL",
    9: "TYPE_STRING",
    12: "TYPE_BYTES",
    13: "TYPE_UINT32",
    15: "TYPE_SFIXED32",
    16: "TYPE_SFIXED64",
    17: "TYPE_SINT32",
    18: "TYPE_SINT64",
}
