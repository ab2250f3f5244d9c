"""Partial answers: the part of a JSON object that a ``fields`` expression selects.

``tasks(name,httpRequest/url),nextPageToken`` keeps two members and two levels below one of them; ``*`` stands for all
members of its level.
"""

from __future__ import annotations

import re
from typing import Any

from tidegate.core.errors import BadRequest, FieldViolation, InvalidArgument
from tidegate.schema.transcoding.json_read import fields_of
from tidegate.schema.transcoding.scalars import camel_case
from tidegate.schema.transcoding.violations import shorten

Selection = dict[str, "Selection"]
"""What to keep, by name; nothing below a name means all of it."""

_TOKEN = re.compile(r"[(),/]|[^(),/]+")
_DEEPEST = 20
_LONGEST = 4096  # characters; an operation's answer has some hundred fields


def read_selection(expression: str, descriptor: Any) -> Selection:
    """What an expression selects of a message of this type.

    Raises:
        InvalidArgument: the expression does not parse, or names a field that the message does not have.
    """
    if len(expression) > _LONGEST:
        raise _refused(expression)
    selection = _parse(expression)
    _check(selection, descriptor, "")
    return selection


def keep(value: Any, selection: Selection) -> Any:
    """The selected part of a JSON value; of a list, that of each item."""
    if isinstance(value, list):
        return [keep(item, selection) for item in value]
    if not selection or not isinstance(value, dict):
        return value
    kept = {}
    for name, member in value.items():
        ways = [below for wanted, below in selection.items() if wanted == "*" or name in (wanted, camel_case(wanted))]
        if ways:
            kept[name] = keep(member, _merged(ways)) if all(ways) else member
    return kept


def _parse(expression: str) -> Selection:
    tokens = _TOKEN.findall(expression)
    selection, rest = _parse_list(tokens, 0, 0)
    if rest != len(tokens):
        raise _refused(expression)
    return selection


def _parse_list(tokens: list[str], at: int, depth: int) -> tuple[Selection, int]:
    """Paths with commas between them, from token ``at`` on."""
    if depth > _DEEPEST:
        raise _refused("(" * depth)
    selection: Selection = {}
    while True:
        at = _parse_path(tokens, at, selection, depth)
        if at >= len(tokens) or tokens[at] != ",":
            return selection, at
        at += 1


def _parse_path(tokens: list[str], at: int, into: Selection, depth: int) -> int:
    """Names with slashes between them, the last one perhaps with a list in parentheses."""
    steps = 0
    while True:
        if at >= len(tokens) or tokens[at] in "(),/" or steps > _DEEPEST:
            raise _refused("".join(tokens))
        into = into.setdefault(tokens[at].strip(), {})
        at += 1
        steps += 1
        if at >= len(tokens) or tokens[at] in ",)":
            return at
        if tokens[at] == "(":
            inner, at = _parse_list(tokens, at + 1, depth + 1)
            if at >= len(tokens) or tokens[at] != ")":
                raise _refused("".join(tokens))
            into.update(inner)
            return at + 1
        at += 1


def _check(selection: Selection, descriptor: Any, path: str) -> None:
    fields = fields_of(descriptor)
    for name, below in selection.items():
        own_path = f"{path}/{name}" if path else name
        if name == "*":
            continue
        if name not in fields:
            raise _refused(own_path)
        if below:
            _check_below(below, fields[name].message, own_path)


def _check_below(selection: Selection, descriptor: Any, path: str) -> None:
    if descriptor is None:
        raise _refused(f"{path}/{next(iter(selection))}")
    if descriptor.full_name != "google.protobuf.Any" and not descriptor.GetOptions().map_entry:
        _check(selection, descriptor, path)


def _merged(selections: list[Selection]) -> Selection:
    merged: Selection = {}
    for selection in selections:
        merged.update(selection)
    return merged


def _refused(path: str) -> InvalidArgument:
    text = f"Error expanding 'fields' parameter. Cannot find matching fields for path '{shorten(path)}'."
    return InvalidArgument("Request contains an invalid argument.", BadRequest((FieldViolation(text, shorten(path)),)))
