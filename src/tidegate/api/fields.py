"""The fields that a filter can ask about, made from a message's descriptor."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple

from google.protobuf.descriptor import FieldDescriptor

from tidegate.core.listing import FieldKind, FilterField, Schema, plain
from tidegate.core.times import NANOS_PER_SECOND

SPANS = {"google.protobuf.Duration": FieldKind.DURATION, "google.protobuf.Timestamp": FieldKind.TIME}
SCALARS = {FieldDescriptor.CPPTYPE_STRING: FieldKind.TEXT, FieldDescriptor.CPPTYPE_BOOL: FieldKind.FLAG}


class _Entry(NamedTuple):
    """An entry of a map, which protobuf gives as keys only."""

    key: Any
    value: Any

    @classmethod
    def of(cls, read: Callable[[Any], Any]) -> Callable[[Any], list[_Entry]]:
        """Reads the entries of a map that ``read`` reads."""
        return lambda message: [cls(key, value) for key, value in read(message).items()]


@cache
def schema_of(descriptor: Any) -> Schema:
    """The fields of a message by their plain names, including those of its inner messages."""
    return {plain(field.name): _field(field) for field in descriptor.fields}


def _field(field: Any) -> FilterField:
    read = attrgetter(field.name)
    if field.enum_type is not None:
        return FilterField(
            FieldKind.ENUM, read, choices={name: each.number for name, each in field.enum_type.values_by_name.items()}
        )
    inside = field.message_type
    if field.type == FieldDescriptor.TYPE_BYTES:
        return FilterField(FieldKind.TEXT, lambda message: read(message).decode("utf-8", "replace"))
    if inside is None:
        return FilterField(SCALARS.get(field.cpp_type, FieldKind.NUMBER), read)
    if inside.GetOptions().map_entry:
        entries = _Entry.of(read)
        return FilterField(FieldKind.MESSAGE, entries, repeated=True, inside=schema_of(inside))
    if not field.has_presence:
        return FilterField(FieldKind.MESSAGE, read, repeated=True, inside=schema_of(inside))
    kind = SPANS.get(inside.full_name)
    if kind is not None:
        return FilterField(kind, _if_set(field.name, _nanoseconds))
    return FilterField(FieldKind.MESSAGE, _if_set(field.name, lambda message: message), inside=schema_of(inside))


def _if_set(name: str, value: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Reads a message field; None when it is unset."""
    return lambda message: value(getattr(message, name)) if message.HasField(name) else None


def _nanoseconds(message: Any) -> int:
    nanos: int = message.seconds * NANOS_PER_SECOND + message.nanos
    return nanos
