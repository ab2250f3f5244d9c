"""Messages and enums as sections of a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from tidegate.schema.transcoding.scalars import camel_case
from website.reference.sources import said
from website.reference.text import cell, prose, table

OURS = "tidegate."
_SCALARS = {
    FieldDescriptor.TYPE_BOOL: "bool",
    FieldDescriptor.TYPE_BYTES: "bytes",
    FieldDescriptor.TYPE_DOUBLE: "double",
    FieldDescriptor.TYPE_INT32: "int32",
    FieldDescriptor.TYPE_INT64: "int64",
    FieldDescriptor.TYPE_STRING: "string",
}


def reached(roots: Iterable[Any]) -> list[Any]:
    """The descriptors of our own messages and enums that the roots are made of, themselves among them, by name."""
    found: dict[str, Any] = {}
    waiting = list(roots)
    while waiting:
        kind = waiting.pop()
        if kind.full_name in found or not kind.full_name.startswith(OURS):
            continue
        found[kind.full_name] = kind
        for field in getattr(kind, "fields", ()):
            waiting += [part for part in _parts(field) if part is not None]
    return sorted((kind for kind in found.values() if not _is_map(kind)), key=short)


def short(kind: Any) -> str:
    """``Task.View``: the name without its package."""
    return str(kind.full_name).removeprefix(f"{kind.file.package}.")


def link(kind: Any) -> str:
    """The name, leading to its section where it is one of ours."""
    if not kind.full_name.startswith(OURS):
        return f"`{kind.full_name}`"
    return f"[{short(kind)}](#{_anchor(kind)})"


def section(kind: Any) -> Iterator[str]:
    """The lines of one message or enum."""
    yield from (f"### {short(kind)} {{ #{_anchor(kind)} }}", "", prose(said(kind.full_name)), "")
    if hasattr(kind, "values"):
        rows = ((f"`{value.name}`", str(value.number), _said(kind, value.name)) for value in kind.values)
        yield from table(("value", "number", "says"), rows)
    else:
        fields = ((_name(field), str(field.number), _type(field), _said(kind, field.name)) for field in kind.fields)
        yield from table(("field", "number", "type", "says"), fields)


def _name(field: Any) -> str:
    """With the name it has in JSON, where that is another one."""
    other = camel_case(field.name)
    return f"`{field.name}`" if other == field.name else f"`{field.name}`, `{other}`"


def _said(kind: Any, name: str) -> str:
    return cell(said(f"{kind.full_name}.{name}"))


def _type(field: Any) -> str:
    *key, value = (_SCALARS.get(each.type, "") or link(each.message_type or each.enum_type) for each in _held(field))
    if key:
        return f"map of {key[0]} to {value}"
    return f"list of {value}" if field.is_repeated else value


def _held(field: Any) -> tuple[Any, ...]:
    if field.message_type is not None and _is_map(field.message_type):
        return tuple(field.message_type.fields)
    return (field,)


def _parts(field: Any) -> Iterator[Any]:
    for each in _held(field):
        yield each.message_type
        yield each.enum_type


def _is_map(kind: Any) -> bool:
    return bool(getattr(kind.GetOptions(), "map_entry", False))


def _anchor(kind: Any) -> str:
    return f"message-{short(kind).lower().replace('.', '-')}"
