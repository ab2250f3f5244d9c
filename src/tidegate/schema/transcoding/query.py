"""Query parameters into a message: ``updateMask=retryConfig&pageSize=5``."""

from __future__ import annotations

from functools import partial
from typing import Any

from tidegate.schema.transcoding.json_read import Field, Reading, fields_of
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
    way: list[Field] = []
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
        for parent in parents:
            message = getattr(message, parent.name)
        reading.within(
            ".".join(parent.path for parent in parents), partial(field.fill, field, reading, message, field.path, value)
        )
