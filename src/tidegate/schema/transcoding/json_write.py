"""A message as JSON: what ``json_format`` makes of it, with Google's type names and whole doubles without a fraction.

Fields come in the order of their numbers, unset ones are left out, and a map's entries in the order of their keys.
"""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError

from tidegate.schema.names import unpack

Writer = Callable[[Any], Any]
_LARGEST_WHOLE = 2.0**63  # beyond, digits would be invented


def to_json(message: Any, *, int_enums: bool = False) -> dict[str, Any]:
    """A raw message as an object of plain values; enums as numbers instead of names with ``int_enums``."""
    return {name: write(value) for name, write, value in present(message, int_enums=int_enums)}


def present(message: Any, *, int_enums: bool) -> list[tuple[str, Writer, Any]]:
    """The fields that are set: the name of each in JSON, what writes its value, and the value."""
    return [(*_field(field, int_enums), value) for field, value in message.ListFields()]


def encode(value: Any, *, pretty: bool = True) -> bytes:
    """Plain values as the bytes of an answer: indented and with a line break at the end, or without any space."""
    compact = msgspec.json.encode(value)
    return msgspec.json.format(compact, indent=2) + b"\n" if pretty else compact


@cache
def _field(field: Any, int_enums: bool) -> tuple[str, Writer]:
    """The name of a field in JSON, and what writes its value."""
    return field.json_name, _shape(field, int_enums)


def _shape(field: Any, int_enums: bool) -> Writer:
    held = field.message_type
    if held is not None and held.GetOptions().map_entry:
        write_key = _map_key(held.fields_by_name["key"])
        write_value = _single(held.fields_by_name["value"], int_enums)
        return lambda entries: {write_key(key): write_value(entries[key]) for key in sorted(entries)}
    write = _single(field, int_enums)
    return Items(write) if field.is_repeated else write


class Items:
    """Writes a list; ``one`` writes an item of it."""

    __slots__ = ("one",)

    def __init__(self, one: Writer) -> None:
        self.one = one

    def __call__(self, values: Any) -> list[Any]:
        write = self.one
        return [write(value) for value in values]


def _single(field: Any, int_enums: bool) -> Writer:
    if field.message_type is not None:
        return _message(field.message_type, int_enums)
    if field.enum_type is not None:
        return _unchanged if int_enums else _enum(field.enum_type)
    return _SCALARS.get(field.type, _unchanged)


def _map_key(field: Any) -> Writer:
    return (lambda key: "true" if key else "false") if field.type == FieldDescriptor.TYPE_BOOL else str


def _message(descriptor: Any, int_enums: bool) -> Writer:
    if descriptor.full_name in AS_TEXT:
        return _as_text
    if descriptor.full_name == "google.protobuf.Any":
        return lambda packed: _any(packed, int_enums)
    return lambda message: to_json(message, int_enums=int_enums)


AS_TEXT = frozenset({"google.protobuf.Duration", "google.protobuf.FieldMask", "google.protobuf.Timestamp"})


def _as_text(message: Any) -> str:
    text: str = message.ToJsonString()
    return text


def _any(packed: Any, int_enums: bool) -> dict[str, Any]:
    """``@type`` first. A type or a value that is not known here is shown as its bytes."""
    if not packed.type_url:
        return {}
    try:
        inner = unpack(packed)
    except DecodeError:
        inner = None
    if inner is None:
        return {"@type": packed.type_url, "value": _bytes(packed.value)}
    written = _message(inner.DESCRIPTOR, int_enums)(inner)
    return {"@type": packed.type_url} | (written if isinstance(written, dict) else {"value": written})


def _enum(descriptor: Any) -> Writer:
    names = {number: value.name for number, value in descriptor.values_by_number.items()}
    return lambda number: names.get(number, number)


def _double(value: float) -> Any:
    if math.isfinite(value):
        whole = value.is_integer() and abs(value) < _LARGEST_WHOLE
        minus_zero = not value and math.copysign(1, value) < 0  # which no integer can say
        return int(value) if whole and not minus_zero else value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _bytes(value: bytes) -> str:
    return b64encode(value).decode("ascii")


def _unchanged(value: Any) -> Any:
    return value


_SCALARS: dict[int, Writer] = {
    FieldDescriptor.TYPE_BYTES: _bytes,
    FieldDescriptor.TYPE_DOUBLE: _double,
    FieldDescriptor.TYPE_FLOAT: _double,
    FieldDescriptor.TYPE_INT64: str,
    FieldDescriptor.TYPE_UINT64: str,
}
