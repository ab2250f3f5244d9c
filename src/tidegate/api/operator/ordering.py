"""``order_by``: the fields by which a list is sorted (AIP-132), such as ``due desc, name``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tidegate.api.fields import schema_of
from tidegate.core.errors import InvalidArgument
from tidegate.core.listing import FieldKind, FilterField, Schema, plain

FIELDS_MAX: Final = 10
"""Fields of an order. Our choice."""
_LENGTH_MAX: Final = 1000
_SHOWN_MAX: Final = 200

Key = Callable[[Any], Any]


def read_order(text: str, descriptor: Any) -> Key | None:
    """What to sort messages by, with their names where all else is equal; None for an empty text: by name.

    Raises InvalidArgument for what names no field of the message, or one that has no order.
    """
    if not text.strip():
        return None
    if len(text) > _LENGTH_MAX or text.count(",") >= FIELDS_MAX:
        raise InvalidArgument(f"order_by must name at most {FIELDS_MAX} fields.")
    schema = schema_of(descriptor)
    keys = [_key(part, schema) for part in text.split(",")]
    return lambda message: (*[key(message) for key in keys], message.name)


class _Downwards:
    """A value that sorts the other way round."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __lt__(self, other: _Downwards) -> bool:
        return bool(other.value < self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Downwards) and bool(self.value == other.value)

    __hash__ = None  # type: ignore[assignment]


def _key(part: str, schema: Schema) -> Key:
    path, *direction = part.split() or [""]
    if not path or len(direction) > 1 or (direction and direction[0].lower() not in {"asc", "desc"}):
        raise InvalidArgument(f"order_by must be fields with asc or desc, but has '{part.strip()[:_SHOWN_MAX]}'.")
    steps = _steps(path, schema)
    down = bool(direction) and direction[0].lower() == "desc"
    unset: Any = "" if steps[-1].kind is FieldKind.TEXT else 0

    def key(message: Any) -> Any:
        value = message
        for step in steps:
            value = None if value is None else step.read(value)
        value = unset if value is None else value
        return _Downwards(value) if down else value

    return key


def _steps(path: str, schema: Schema) -> list[FilterField]:
    steps: list[FilterField] = []
    for name in path.split("."):
        field = schema.get(plain(name))
        if field is None or field.repeated:
            raise InvalidArgument(f"order_by names no field: '{path[:_SHOWN_MAX]}'.")
        steps.append(field)
        schema = field.inside
    if steps[-1].kind is FieldKind.MESSAGE:
        raise InvalidArgument(f"order_by cannot sort by '{path[:_SHOWN_MAX]}', which has fields itself.")
    return steps
