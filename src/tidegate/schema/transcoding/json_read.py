"""JSON into a message, field by field, with every finding in the words of the real service.

Written by hand because the library's own reader stops at the first error and says it differently. For what is right
the two agree; a test holds them together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import msgspec

from tidegate.schema.limits import Most, counted, most_of
from tidegate.schema.names import message_class, type_url
from tidegate.schema.transcoding.scalars import (
    Reader,
    fill_duration,
    fill_field_mask,
    fill_timestamp,
    scalar_reader,
)
from tidegate.schema.transcoding.violations import (
    MisfitError,
    UnknownNameError,
    Violations,
    kind_of,
    malformed,
    not_a_message,
    shown,
)

DEEPEST = 100  # an Any in an Any in an Any …; nothing else in the schema goes round in circles

HEADERS = "headers"
"""The maps whose keys are names of HTTP headers."""

NOT_REPEATED = "Proto field is not repeating, cannot start list."
NO_OBJECT = "Starting an object on a scalar field"

TextReader = Callable[[Any, Any], None]
AS_TEXT: dict[str, TextReader] = {
    "google.protobuf.Duration": fill_duration,
    "google.protobuf.FieldMask": fill_field_mask,
    "google.protobuf.Timestamp": fill_timestamp,
}
# Their JSON is no object of their fields either, and no message of this API holds one: not taken in an Any.
NOT_IN_ANY = frozenset({"google.protobuf.Any", "google.protobuf.Struct", "google.protobuf.ListValue"})


def read_json(body: bytes | bytearray) -> dict[str, Any]:
    """The object in a body; nothing (or only white space) counts as ``{}``.

    Raises:
        InvalidArgument: it is not JSON, or not an object.
    """
    if not body.strip():
        return {}
    value = decode(body)
    if not isinstance(value, dict):
        raise not_a_message()
    return value


def decode(text: bytes | bytearray) -> Any:
    """A JSON value. Raises InvalidArgument."""
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError) as error:
        raise malformed(error) from error


@dataclass(slots=True)
class Reading:
    """One pass over a JSON object. ``path`` is where in the request the pass is just now.

    With ``ignore_unknown`` members that no field stands for, and names that an enum does not have, are skipped.
    """

    found: Violations
    ignore_unknown: bool = False
    path: str = ""
    depth: int = 0
    bounded: bool = False
    """Whether lists and maps may have no more entries than a request's (``schema.limits``)."""

    def fill(self, message: Any, members: dict[str, Any]) -> None:
        """Set the fields of ``message``, which stands at ``path``."""
        fields = fields_of(message.DESCRIPTOR)
        for key, value in members.items():
            field = fields.get(key)
            if field is None:
                if not self.ignore_unknown:
                    self.found.unknown(key, self.path)
            elif value is None:  # null is unset
                continue
            elif field.oneof and message.WhichOneof(field.oneof):
                self.found.taken(self.path, field.oneof, key)
            else:
                field.fill(field, self, message, key, value)

    def within(self, path: str, fill: Callable[[], None]) -> None:
        """Go on at ``path``, then return."""
        outer, self.path = self.path, path
        fill()
        self.path = outer


@dataclass(frozen=True, slots=True)
class JsonField:
    """How one field is read. ``name`` is its attribute, ``path`` its name in error texts."""

    name: str
    path: str
    kind: str
    oneof: str | None
    read: Reader | None  # None for messages
    as_text: TextReader | None  # for messages that are one text in JSON
    message: Any  # the descriptor of a message, a map's entry included
    fill: Callable[[JsonField, Reading, Any, str, Any], None]
    most: Most | None = None  # entries that it may have, for lists and maps

    @property
    def inside(self) -> Any:
        """The descriptor of a single message that has fields in JSON; None for everything else."""
        return self.message if self.fill is _fill_message and self.as_text is None else None

    @property
    def is_primitive(self) -> bool:
        """Whether one text can say its value, or the value of one of its items."""
        return self.read is not None or self.as_text is not None

    @property
    def is_list(self) -> bool:
        """Whether it is a list of messages."""
        return self.fill is _fill_list and self.message is not None and self.as_text is None

    def at(self, path: str) -> str:
        return f"{path}.{self.path}" if path else self.path


@cache
def fields_of(descriptor: Any) -> dict[str, JsonField]:
    """The fields of a message by the names they may have in JSON: lowerCamelCase and as declared."""
    fields = {}
    for declared in descriptor.fields:
        field = _field(declared)
        fields[declared.json_name] = fields[field.path] = fields[field.name] = field
    return fields


def _field(field: Any) -> JsonField:
    held, oneof = field.message_type, field.containing_oneof
    if held is not None and held.GetOptions().map_entry:
        fill = _fill_map
    elif field.is_repeated:
        fill = _fill_list
    else:
        fill = _fill_scalar if held is None else _fill_message
    return JsonField(
        name=field.name,
        path=field.name.rstrip("_"),  # Python's ``type_`` is ``type`` to everyone else
        kind=kind_of(field),
        oneof=oneof.name if oneof is not None and not oneof.name.startswith("_") else None,
        read=None if held else scalar_reader(field),
        as_text=AS_TEXT.get(held.full_name) if held else None,
        message=held,
        fill=fill,
        most=most_of(field) if field.is_repeated else None,
    )


def _fill_scalar(field: JsonField, reading: Reading, message: Any, key: str, value: Any) -> None:
    single = _single(field, reading, key, value, field.at(reading.path))
    if single is not None:
        setattr(message, field.name, single)


def _single(field: JsonField, reading: Reading, key: str, value: Any, place: str) -> Any:
    """One scalar, None after a finding and for what is ignored."""
    if isinstance(value, list):
        reading.found.unknown(key, reading.path, NOT_REPEATED)
    elif isinstance(value, dict):
        reading.found.unknown(key, reading.path, NO_OBJECT)
    elif field.read is not None:
        try:
            return field.read(value)
        except MisfitError as misfit:
            if not (reading.ignore_unknown and isinstance(misfit, UnknownNameError)):
                reading.found.invalid(place, field.kind, misfit.says)
    return None


def _fill_message(field: JsonField, reading: Reading, message: Any, key: str, value: Any) -> None:
    if isinstance(value, list):
        reading.found.unknown(key, reading.path, NOT_REPEATED)
        return
    held = getattr(message, field.name)
    held.SetInParent()
    reading.within(field.at(reading.path), partial(_fill_held, field, reading, held, key, value))


def _fill_held(field: JsonField, reading: Reading, held: Any, key: str, value: Any) -> None:
    """The message ``held`` from its JSON: an object or, for times and the like, a text."""
    if field.as_text:
        fill_text(field.as_text, reading, held, key, value)
    elif not isinstance(value, dict):
        reading.found.invalid(reading.path, field.kind, shown(value))
    elif field.message.full_name == "google.protobuf.Any":
        _fill_any(reading, held, value)
    else:
        reading.fill(held, value)


def fill_text(fill: TextReader, reading: Reading, held: Any, key: str, value: Any) -> None:
    """A message whose JSON is a text."""
    try:
        if isinstance(value, dict | list):
            raise MisfitError(NO_OBJECT)
        fill(held, value)
    except MisfitError as misfit:
        reading.found.invalid(reading.path, type_url(held.DESCRIPTOR), f"Field '{key}', {misfit.says}")


def _fill_list(field: JsonField, reading: Reading, message: Any, key: str, value: Any) -> None:
    """A list; a single value counts as a list of one, as in a query."""
    items = value if isinstance(value, list) else [value]
    _check_count(field, reading, len(items))
    for position, item in enumerate(items):
        fill_item(field, reading, message, key, item, position)


def fill_item(field: JsonField, reading: Reading, message: Any, key: str, item: Any, position: int) -> None:
    """One item of a list, to be added as its next."""
    if item is not None:
        target = getattr(message, field.name)
        place = f"{field.at(reading.path)}[{position}]"
        if isinstance(item, list):
            reading.found.unknown("", place, NOT_REPEATED)
        elif field.read is None:
            reading.within(place, partial(_fill_held, field, reading, target.add(), key, item))
        elif (single := _single(field, reading, key, item, place)) is not None:
            target.append(single)


def _check_count(field: JsonField, reading: Reading, count: int) -> None:
    if reading.bounded and field.most is not None and count > field.most.entries:
        raise field.most.refuse(counted(count))


def _fill_map(field: JsonField, reading: Reading, message: Any, key: str, value: Any) -> None:
    if isinstance(value, list):
        reading.found.unknown(key, reading.path, f"Cannot bind a list to map for field '{key}'.")
        return
    own_path = field.at(reading.path)
    if not isinstance(value, dict):
        reading.found.invalid(own_path, field.kind, shown(value))
        return
    _check_count(field, reading, len(value))
    target = getattr(message, field.name)
    entry_key, entry_value = _entry(field.message)
    spelt: dict[str, str] | None = {} if field.name == HEADERS and len(value) > 1 else None
    for position, (name, item) in enumerate(value.items()):
        place = f"{own_path}[{position}]"
        if item is None or (read := _single(entry_key, reading, name, name, f"{place}.key")) is None:
            continue
        if isinstance(item, list):
            reading.found.unknown("value", place, NOT_REPEATED)
        elif entry_value.read is None:
            held = target[read]
            reading.within(f"{place}.value", partial(_fill_held, entry_value, reading, held, "value", item))
        elif (single := _single(entry_value, reading, "value", item, f"{place}.value")) is not None:
            if spelt is not None:
                _forget_other_case(target, read, spelt)
            target[read] = single


def _forget_other_case(target: Any, name: str, spelt: dict[str, str]) -> None:
    """Take an earlier header out whose name differs from this one in case alone: of the two the later one counts, and
    the order of the JSON is known here only. ``spelt`` has the names so far by their lower case.
    """
    lower = name.lower()
    earlier = spelt.get(lower)
    if earlier is not None:
        del target[earlier]
    spelt[lower] = name


@cache
def _entry(descriptor: Any) -> tuple[JsonField, JsonField]:
    """How the key and the value of a map are read."""
    return _field(descriptor.fields_by_name["key"]), _field(descriptor.fields_by_name["value"])


def _fill_any(reading: Reading, held: Any, value: dict[str, Any]) -> None:
    """An object with its ``@type`` beside its fields, or beside ``value`` when its JSON is a text."""
    kind, url = type_url(held.DESCRIPTOR), value.get("@type")
    if not value:
        return
    if url is None:
        reading.found.invalid(reading.path, kind, "Missing @type for any field in google.protobuf.Any")
        return
    inner_class = message_class(url) if isinstance(url, str) else None
    if inner_class is None or inner_class.DESCRIPTOR.full_name in NOT_IN_ANY:
        reading.found.invalid(reading.path, kind, f"Unknown type: {shown(url)}")
        return
    if reading.depth == DEEPEST:
        reading.found.invalid(reading.path, kind, f"Nested more than {DEEPEST} deep.")
        return
    inner = inner_class()
    members = {key: item for key, item in value.items() if key != "@type"}
    reading.depth += 1
    if as_text := AS_TEXT.get(inner.DESCRIPTOR.full_name):
        fill_text(as_text, reading, inner, "value", members.get("value", ""))
    else:
        reading.fill(inner, members)
    reading.depth -= 1
    held.type_url = url
    held.value = inner.SerializeToString(deterministic=True)
