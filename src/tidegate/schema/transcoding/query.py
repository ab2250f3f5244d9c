"""Query parameters into a message: ``updateMask=retryConfig&pageSize=5``."""

from __future__ import annotations

from functools import partial
from typing import Any

from tidegate.schema.transcoding.json_read import JsonField, Reading, fields_of
from tidegate.schema.transcoding.options import STANDARD, Parameters
from tidegate.schema.transcoding.scalars import camel_case

_NOT_FOUND = "Cannot bind query parameter. Field '{}' could not be found in request message."
_NOT_PRIMITIVE = "Cannot bind query parameter. '{}' is a message type. Parameters can only be bound to primitive types."


def bind_query(reading: Reading, message: Any, parameters: Parameters, ignored: tuple[str, ...] = ()) -> None:
    """Fill what the parameters name, in camelCase or snake_case, with dots for fields of fields.

    A key without a value is unset; a list takes a parameter for each of its items. ``ignored`` are parameters of this
    call, in camelCase, that no field of the request stands for.
    """
    for key, value in parameters:
        if key not in STANDARD and not (ignored and camel_case(key) in ignored):
            _bind(reading, message, key, value)


def _bind(reading: Reading, message: Any, key: str, value: str | None) -> None:
    way: list[JsonField] = []
    descriptor = message.DESCRIPTOR
    for name in key.split("."):
        field = fields_of(descriptor).get(name) if descriptor else None
        if field is None:
            reading.found.unknown(key, "", _NOT_FOUND.format(key))
            return
        way.append(field)
        descriptor = field.inside
    *parents, field = way
    if not field.is_primitive:
        reading.found.unknown(key, "", _NOT_PRIMITIVE.format(key))
    elif value:
        place = ""
        for parent in parents:
            if _is_taken(reading, message, place, parent):
                return
            message, place = getattr(message, parent.name), parent.at(place)
        if not _is_taken(reading, message, place, field):
            reading.within(place, partial(field.fill, field, reading, message, field.path, value))


def _is_taken(reading: Reading, message: Any, place: str, field: JsonField) -> bool:
    """Whether another member of the field's oneof is set; its own may be, by a parameter before for another part."""
    if field.oneof is None or message.WhichOneof(field.oneof) in {None, field.name}:
        return False
    reading.found.taken(place, field.oneof, field.path)
    return True
