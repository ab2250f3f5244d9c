"""What a filter chooses: from tree to test."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from tidegate.core.errors import InvalidArgument
from tidegate.core.listing.fields import FieldKind, FilterField, Schema, plain
from tidegate.core.listing.grammar import All, Any_, Node, Not, Restriction, Word, parse
from tidegate.core.times import NANOS_PER_SECOND, micros

Chooser = Callable[[Any], bool]
"""Tells whether a message is chosen."""

FILTER_LENGTH_MAX: Final = 8192
"""Characters of a filter. Our choice; nothing is published."""

_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    ":": operator.eq,
    "=": operator.eq,
    "!=": operator.eq,  # the whole test is negated: no entry of a list may be equal
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,40}")
_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?")
_DURATION: Final = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,9}))?s")
_TIME: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_NAME: Final = "name"


def compile_filter(text: str, schema: Schema) -> Chooser:
    """The test that a filter describes; an empty one chooses everything.

    Raises:
        InvalidArgument: The filter is not in the grammar, names an unknown field, or compares a field with a value
            of another type. Raised also when there is nothing to choose from.
    """
    if len(text) > FILTER_LENGTH_MAX:
        raise InvalidArgument(f"The filter must be at most {FILTER_LENGTH_MAX} characters long, but has {len(text)}.")
    return _chooser(parse(text), schema)


def _chooser(node: Node, schema: Schema) -> Chooser:
    match node:
        case All(parts):
            every = [_chooser(part, schema) for part in parts]
            return lambda message: all(chooses(message) for chooses in every)
        case Any_(parts):
            some = [_chooser(part, schema) for part in parts]
            return lambda message: any(chooses(message) for chooses in some)
        case Not(inner):
            chooses = _chooser(inner, schema)
            return lambda message: not chooses(message)
        case Word(word):
            return _restriction(Restriction(_NAME, ":", word, quoted=True), schema)
        case Restriction():
            return _restriction(node, schema)


def _restriction(wanted: Restriction, schema: Schema) -> Chooser:
    steps = _steps(wanted.path, schema)
    field = steps[-1]
    if wanted.operator == ":" and wanted.value == "*" and not wanted.quoted:
        return lambda message: any(map(_is_set, _values(message, steps)))
    if field.kind is FieldKind.MESSAGE:
        raise InvalidArgument(
            f"Cannot match a nested type '{wanted.path}'. A member field of scalar or enum type must be provided."
        )
    fits = _text_test(wanted) if field.kind is FieldKind.TEXT else _value_test(wanted, field)
    unset: Any = "" if field.kind is FieldKind.TEXT else 0

    def chooses(message: Any) -> bool:
        return any(fits(unset if value is None else value) for value in _values(message, steps))

    if wanted.operator == "!=":
        return lambda message: not chooses(message)
    return chooses


def _steps(path: str, schema: Schema) -> list[FilterField]:
    """The fields along a path."""
    steps: list[FilterField] = []
    inside: Schema = schema
    for name in path.split("."):
        field = inside.get(plain(name))
        if field is None:
            raise InvalidArgument(f"Field not found: '{path}'.")
        steps.append(field)
        inside = field.inside
    return steps


def _values(message: Any, steps: list[FilterField]) -> list[Any]:
    """The values at the end of the path: one, or one for each entry of a list. None for a field that is unset or whose
    message is.
    """
    found = [message]
    for step in steps:
        below: list[Any] = []
        for each in found:
            if each is None:
                below += () if step.repeated else (None,)
            elif step.repeated:
                below += step.read(each)
            else:
                below.append(step.read(each))
        found = below
    return found


def _is_set(value: Any) -> bool:
    # A message is set when it is present, even if it is empty. A scalar is set unless it is zero.
    return value is not None and value not in (0, "", False)


def _text_test(wanted: Restriction) -> Callable[[str], bool]:
    value = wanted.value
    if wanted.operator in ("<", "<=", ">", ">="):
        compare = _COMPARISONS[wanted.operator]
        return lambda text: compare(text, value)
    folded = value.casefold()
    if wanted.operator == ":":
        return lambda text: folded in text.casefold()
    return lambda text: text.casefold() == folded


def _value_test(wanted: Restriction, field: FilterField) -> Callable[[Any], bool]:
    compare = _COMPARISONS[wanted.operator]
    value = _read_value(wanted.value, field)
    if value is None:
        raise InvalidArgument(f"The value '{wanted.value.lower()}' is of incorrect type.")
    return lambda found: compare(found, value)


def _read_value(text: str, field: FilterField) -> int | float | None:
    """The text as a value of the field's type, or None when it is none."""
    match field.kind:
        case FieldKind.NUMBER:
            if _INTEGER.fullmatch(text):
                return int(text)
            return float(text) if _DECIMAL.fullmatch(text) else None
        case FieldKind.ENUM:
            folded = text.casefold()
            return next((number for name, number in field.choices.items() if name.casefold() == folded), None)
        case FieldKind.DURATION:
            return _read_duration(text)
        case FieldKind.TIME:
            return read_time(text)
        case _:
            return {"true": True, "false": False}.get(text.lower())


def _read_duration(text: str) -> int | None:
    parts = _DURATION.fullmatch(text)
    if parts is None:
        return None
    sign, seconds, fraction = parts.groups()
    nanos = int(seconds) * NANOS_PER_SECOND + _nanos(fraction)
    return -nanos if sign else nanos


def read_time(text: str) -> int | None:
    """The nanoseconds since 1970 of a time as filters have it; None for what is none."""
    parts = _TIME.fullmatch(text)
    if parts is None:
        return None
    clock, fraction, zone = parts.groups()
    try:
        moment = datetime.fromisoformat(clock + zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return micros(moment) * 1000 + _nanos(fraction)


def _nanos(fraction: str | None) -> int:
    return int((fraction or "").ljust(9, "0"))
